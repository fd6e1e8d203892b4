/** Staging that no destination can reach by itself. */
import type { StagingPlace } from '#core/ports/connection.ts';
import type { UnderWay } from '#core/ports/destinations.ts';

export const NO_STORE: StagingPlace = { service: 'memory', endpoint: 'http://127.0.0.1:9', bucket: 'none' };

/** Destinations that nothing is on its way to. */
export const nothing = async (): Promise<UnderWay> => ({ unfinished: 0, begun: 0 });
