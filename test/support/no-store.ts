/** Staging that no destination can reach by itself. */
import type { StagingPlace } from '#core/ports/connection.ts';

export const NO_STORE: StagingPlace = { service: 'memory', endpoint: 'http://127.0.0.1:9', bucket: 'none' };
