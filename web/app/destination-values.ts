/** Between a destination's settings as the server has them and the fields of a form, which hold text. Pure. */
import { type Choice, type Field, KINDS, type Values } from './destination-kinds.ts';

type Settings = Readonly<Record<string, unknown>>;

/** What a destination is set to, other than the server would have it by itself. */
export function facts(
  provider: string,
  settings: Settings,
): readonly { readonly field: Field; readonly text: string; readonly choice: Choice | null }[] {
  return (KINDS[provider]?.settings ?? []).flatMap((field) => {
    const value = valueAt(settings, field.key);
    if (value === undefined || value === '') return [];
    const choice = choiceOf(field, value) ?? null;
    if (choice !== null && choice === field.choices?.[0]) return [];
    const text = textOf(value);
    return text === field.standard ? [] : [{ field, text, choice }];
  });
}

/** What was filled in, as the server has it. What is left empty, and a first choice, is left to the server. */
export function filled(fields: readonly Field[], values: Values): Settings {
  const found: Record<string, unknown> = {};
  for (const { key, choices } of fields) {
    const text = values[key]?.trim() ?? '';
    const value = choices === undefined ? text : choices.slice(1).find(({ label }) => label === text)?.value;
    if (value !== undefined && value !== '') put(found, key, value);
  }
  return found;
}

/** What stands, for a form to begin with. A choice that the form does not know is offered as one more, so that it can stay. */
export function standing(
  all: readonly Field[],
  settings: Settings,
): { readonly fields: readonly Field[]; readonly values: Values } {
  const values: Record<string, string> = {};
  const fields = all.map((field): Field => {
    const value = valueAt(settings, field.key);
    if (value === undefined || value === null) return field;
    if (field.choices === undefined) {
      values[field.key] = textOf(value);
      return field;
    }
    const { label } = choiceOf(field, value) ?? KEPT;
    values[field.key] = label;
    return label === KEPT.label ? { ...field, choices: [...field.choices, KEPT] } : field;
  });
  return { fields, values };
}

/**
 * The settings with what was changed in the form. All else stays as it is, also what no form knows; what was emptied is
 * left to the server again. The very same object when nothing was changed.
 */
export function mended(fields: readonly Field[], before: Values, after: Values, settings: Settings): Settings {
  const changed = fields.filter(({ key }) => (after[key]?.trim() ?? '') !== (before[key] ?? ''));
  if (changed.length === 0) return settings;
  const next: Record<string, unknown> = { ...settings };
  const fresh = filled(changed, after);
  for (const { key } of changed) put(next, key, valueAt(fresh, key));
  return next;
}

/** What the server refused, by the key of the field: its message names each as `settings.root: …`. Empty: none of these. */
export function refused(part: 'settings' | 'credentials', fields: readonly Field[], message: string): Values {
  const found: Record<string, string> = {};
  for (const one of message.split('; ')) {
    const [, place, path = '', words = ''] = /^(settings|credentials)\.([\w.]+): (.+)$/.exec(one) ?? [];
    if (place !== part) continue;
    const field = fields.find(({ key }) => `${path}.`.startsWith(`${key}.`) || key.startsWith(`${path}.`));
    if (field) found[field.key] ??= words;
  }
  return found;
}

const KEPT: Choice = { label: 'kept', value: '' };

function choiceOf({ choices }: Field, value: unknown): Choice | undefined {
  return choices?.find((one) => JSON.stringify(one.value) === JSON.stringify(value));
}

function textOf(value: unknown): string {
  return Array.isArray(value) ? value.join(', ') : String(value);
}

function valueAt(settings: Settings, key: string): unknown {
  const [outer = '', inner] = key.split('.');
  const found: unknown = settings[outer];
  return inner === undefined ? found : Object(found)[inner];
}

/** Undefined takes it away, and with the last key inside another that one, too. */
function put(settings: Record<string, unknown>, key: string, value: unknown): void {
  const [outer = key, inner] = key.split('.');
  if (inner === undefined) settings[outer] = value;
  else {
    const { [inner]: _, ...others } = Object(settings[outer]);
    const next = value === undefined ? others : { ...others, [inner]: value };
    settings[outer] = Object.keys(next).length === 0 ? undefined : next;
  }
  if (settings[outer] === undefined) delete settings[outer];
}
