/** What our Dockerfiles are held to. Each rule answers with its complaints. */
import type { Context } from './context.ts';
import { copyOf, execForm, type Instruction, type Stage } from './dockerfile.ts';

const FULL_VERSION = /^[\w./-]+:\d+\.\d+\.\d+[\w.-]*$/;
const SECRET_NAME = /KEY|SECRET|PASSWORD|TOKEN|CREDENTIAL/i;
const NOT_FOR_IMAGES =
  /(^|\/)(test|docs|node_modules|\.git|\.env[^/]*|\.entrepot|infra)(\/|$)|\.test\.ts$|\.(pem|key|db)$/;

export function complaints(stages: readonly Stage[], context: Context): readonly string[] {
  const names = new Set(stages.map(({ name }) => name));
  const last = stages.at(-1);
  if (last === undefined) return ['there is no stage'];
  return [
    ...stages.flatMap(({ from }) => (names.has(from) || FULL_VERSION.test(from) ? [] : [`${from} is not pinned`])),
    ...stages.flatMap(({ instructions }) => instructions.flatMap((one) => ofInstruction(one, context, names))),
    ...ofResult(last),
  ];
}

/** All files of the context that end up in the image. */
export function filesInImage(stages: readonly Stage[], context: Context): readonly string[] {
  const copies = stages.at(-1)?.instructions.filter(({ word, flags }) => word === 'COPY' && !flags['from']) ?? [];
  return copies.flatMap((copy) => copyOf(copy).sources.flatMap(context.files));
}

function ofInstruction(instruction: Instruction, context: Context, stages: ReadonlySet<string>): readonly string[] {
  const { word, text, flags } = instruction;
  switch (word) {
    case 'COPY': {
      const { from } = flags;
      if (from !== undefined) return stages.has(from) ? [] : [`COPY from an unknown stage ${from}`];
      return copyOf(instruction).sources.flatMap((source) => ofSource(source, context));
    }
    case 'RUN':
      return /\b(curl|wget|sudo|latest|apt-get)\b/.test(text) ? [`RUN takes what is not pinned: ${text}`] : [];
    case 'ENV':
      return SECRET_NAME.test(text.split('=')[0] ?? '') ? [`ENV holds a secret: ${text.split('=')[0]}`] : [];
    default:
      return [];
  }
}

function ofSource(source: string, context: Context): readonly string[] {
  if (source === '.' || source.includes('*')) return [`COPY takes whatever there is: ${source}`];
  const files = context.files(source);
  if (files.length === 0) return [`COPY has no source: ${source}`];
  return files.filter((file) => NOT_FOR_IMAGES.test(file)).map((file) => `COPY takes ${file}`);
}

/** Of the stage that becomes the image. */
function ofResult({ instructions }: Stage): readonly string[] {
  const texts = (word: string) => instructions.filter((each) => each.word === word).map(({ text }) => text);
  const [user = ''] = texts('USER').slice(-1);
  const [command = ''] = texts('CMD').slice(-1);
  const [health = ''] = texts('HEALTHCHECK').slice(-1);
  const probe = execForm(health.replace(/^CMD\s+/, ''));
  return [
    ...(/^[1-9]\d*(:[1-9]\d*)?$/.test(user)
      ? []
      : ['the user must be a number other than 0, so that a host can check it']),
    ...(execForm(command) === null ? ['CMD runs in a shell, which keeps signals to itself'] : []),
    ...(probe === null ? ['there is no HEALTHCHECK in exec form'] : []),
    ...(probe !== null && probe[0] !== 'node' ? ['the HEALTHCHECK needs a program that is not in the image'] : []),
  ];
}
