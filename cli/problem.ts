/** What went wrong, as the person at the terminal is told: one line with a code, and an exit code. */

/** 1: something could not be done. 2: the command was not understood, or there is no server to ask. */
export type ExitCode = 1 | 2;

export class Problem extends Error {
  /** Dotted and lower-case, the server's own where it gave one: `upload.closed`. */
  readonly code: string;
  readonly exitCode: ExitCode;
  /** HTTP status, when a server answered. */
  readonly status: number | undefined;

  constructor(code: string, message: string, options: { readonly exitCode?: ExitCode; readonly status?: number } = {}) {
    super(message);
    this.name = 'Problem';
    this.code = code;
    this.exitCode = options.exitCode ?? 1;
    this.status = options.status;
  }
}

export function usage(message: string): Problem {
  return new Problem('usage', message, { exitCode: 2 });
}

/** Whatever was thrown, as a Problem. Of an unknown error only the message is told, which never has a URL of ours in it. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
  const message = error instanceof Error ? error.message : String(error);
  return new Problem(
    FILE_CODES[code] ?? code.toLowerCase(),
    message.replace(/https?:\/\/\S+/g, 'the address').slice(0, 300),
  );
}

const FILE_CODES: Readonly<Record<string, string>> = {
  ENOENT: 'file.missing',
  EACCES: 'file.forbidden',
  EPERM: 'file.forbidden',
};
