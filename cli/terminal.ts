/** The terminal, or the pipe that stands in its place. */

export interface Terminal {
  /** Somebody looks at it: bars and colours, else JSON lines. */
  readonly isInteractive: boolean;
  columns(): number;
  rows(): number;
  /** One line of standard output, above what is being drawn. */
  print(line: string): void;
  /** One JSON line of standard output. */
  tell(event: Readonly<Record<string, unknown>>): void;
  /** One line of standard error. */
  complain(line: string): void;
  /** Lines at the bottom that replace those drawn before. Nothing when nobody looks. */
  draw(lines: readonly string[]): void;
}

export interface TerminalPorts {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
  readonly isInteractive: boolean;
  readonly size: () => { readonly columns: number; readonly rows: number };
}

const CLEAR_BELOW = '\u001b[J';

export function terminal({ out, error, isInteractive, size }: TerminalPorts): Terminal {
  let drawn = 0;

  function erased(): string {
    const up = drawn > 0 ? `\u001b[${drawn}A\r${CLEAR_BELOW}` : '';
    drawn = 0;
    return up;
  }

  let last: readonly string[] = [];

  function redraw(above: string): void {
    const text = erased() + above + last.map((line) => `${line}\n`).join('');
    drawn = last.length;
    if (text !== '') out(text);
  }

  return {
    isInteractive,
    columns: () => size().columns,
    rows: () => size().rows,
    print: (line) => redraw(`${line}\n`),
    tell: (event) => out(`${JSON.stringify(event)}\n`),
    complain: (line) => {
      if (drawn > 0) out(erased());
      error(`${line}\n`);
      if (last.length > 0) redraw('');
    },
    draw: (lines) => {
      if (!isInteractive) return;
      last = lines;
      redraw('');
    },
  };
}

export function red(text: string): string {
  return `\u001b[31m${text}\u001b[39m`;
}

export function green(text: string): string {
  return `\u001b[32m${text}\u001b[39m`;
}

export function faint(text: string): string {
  return `\u001b[2m${text}\u001b[22m`;
}
