/** A Dockerfile as data: what our own few use of the language, and an Error for everything else. */

export interface Instruction {
  readonly word: string;
  /** Without its flags; continued lines are one. */
  readonly text: string;
  readonly flags: Readonly<Record<string, string>>;
}

export interface Stage {
  /** Its own name, or its place: `2`. */
  readonly name: string;
  /** Another stage, or an image. */
  readonly from: string;
  readonly instructions: readonly Instruction[];
}

const WORDS = new Set(['FROM', 'WORKDIR', 'COPY', 'RUN', 'ENV', 'USER', 'VOLUME', 'EXPOSE', 'HEALTHCHECK', 'CMD']);

export function parseDockerfile(source: string): readonly Stage[] {
  const stages: (Stage & { readonly instructions: Instruction[] })[] = [];
  for (const line of logicalLines(source)) {
    const instruction = parseInstruction(line);
    if (instruction.word === 'FROM') {
      const [from = '', as, name = String(stages.length)] = instruction.text.split(/\s+/);
      if (as !== undefined && as.toUpperCase() !== 'AS') throw new Error(`not understood: ${line}`);
      stages.push({ name, from, instructions: [] });
    } else {
      const stage = stages.at(-1);
      if (stage === undefined) throw new Error(`before the first FROM: ${line}`);
      stage.instructions.push(instruction);
    }
  }
  return stages;
}

/** `["a", "b"]` as a list; `null` when it is in the form that runs in a shell, which keeps signals to itself. */
export function execForm(text: string): readonly string[] | null {
  if (!text.startsWith('[')) return null;
  const words: unknown = JSON.parse(text);
  return Array.isArray(words) && words.every((word) => typeof word === 'string') ? words : null;
}

/** Sources and the target of a COPY. */
export function copyOf({ text }: Instruction): { readonly sources: readonly string[]; readonly target: string } {
  const words = text.split(/\s+/);
  return { sources: words.slice(0, -1), target: words.at(-1) ?? '' };
}

function logicalLines(source: string): string[] {
  return source
    .split('\n')
    .filter((line) => !/^\s*(#|$)/.test(line))
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n');
}

function parseInstruction(line: string): Instruction {
  const [, word = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line.trim()) ?? [];
  if (!WORDS.has(word)) throw new Error(`an instruction that nothing here uses: ${line}`);
  const flags: Record<string, string> = {};
  let text = rest;
  for (let flag = flagOf(text); flag !== null; flag = flagOf(text)) {
    flags[flag.name] = flag.value;
    text = flag.rest;
  }
  return { word, text, flags };
}

function flagOf(text: string): { readonly name: string; readonly value: string; readonly rest: string } | null {
  const [, name, value, rest] = /^--([\w-]+)=(\S+)\s+(.*)$/.exec(text) ?? [];
  return name === undefined || value === undefined || rest === undefined ? null : { name, value, rest };
}
