import { fileURLToPath } from 'node:url';
import protobuf, { type Enum, type Field, type Namespace, type Type } from 'protobufjs';
import { describe, expect, it } from 'vitest';
import table from './wire-table.json' with { type: 'json' };

/**
 * The table was drawn up from the vendor's published interface (1.0.8) and its developer guide (1.1.2), and holds calls with
 * their messages and kind, fields as [number, type, label], and values of enums.
 */
const proto = new protobuf.Root().loadSync(fileURLToPath(new URL('../../../proto/clouddrive.proto', import.meta.url)), {
  keepCase: true,
});
const messages: Record<string, Type> = {};
const enums: Record<string, Enum> = {};
gather(proto.lookup('clouddrive') as Namespace);

describe('proto/clouddrive.proto', () => {
  it('has each call with its messages and its kind, and no other', () => {
    const { methods } = proto.lookupService('clouddrive.CloudDriveFileSrv');
    const found = Object.entries(methods).map(([name, call]) => [
      name,
      {
        request: call.requestType,
        response: call.responseType,
        kind: call.requestStream ? 'client-stream' : call.responseStream ? 'server-stream' : 'unary',
      },
    ]);
    expect(Object.fromEntries(found)).toEqual(table.rpcs);
  });

  it.each(Object.entries(table.messages))('has %s with each number, type and label', (name, wanted) => {
    const found = messages[name]?.fieldsArray.map((field) => [field.name, [field.id, typeOf(field), labelOf(field)]]);
    const expected = Object.entries(wanted).map(([field, [number, type, label]]) => [
      field,
      [number, lastOf(String(type)), label],
    ]);
    expect(found && Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
  });

  it.each(Object.entries(table.enums))('has %s with each value', (name, wanted) => {
    expect(enums[name]?.values).toEqual(wanted);
  });

  it('has nothing that the table has not, but the empty holder of one enum', () => {
    expect(Object.keys(messages).filter((name) => !(name in table.messages))).toEqual(['ArchiveFolder']);
    expect(Object.keys(enums).filter((name) => !(name in table.enums))).toEqual([]);
  });
});

function gather(space: Namespace): void {
  for (const one of space.nestedArray) {
    const name = one.fullName.replace('.clouddrive.', '');
    if (one instanceof protobuf.Type) {
      messages[name] = one;
      gather(one);
    }
    if (one instanceof protobuf.Enum) enums[name] = one;
  }
}

function typeOf(field: Field): string {
  return field instanceof protobuf.MapField ? `map<${field.keyType}, ${lastOf(field.type)}>` : lastOf(field.type);
}

function labelOf(field: Field): string {
  if (field.repeated) return 'repeated';
  if (field.options?.['proto3_optional'] === true) return 'optional';
  return field.partOf === null ? '' : `oneof ${field.partOf.name}`;
}

/** A nested type may be named from where it stands. */
function lastOf(type: string): string {
  return type.startsWith('map<') ? type.replace(/,\s*/, ', ') : (type.split('.').at(-1) ?? type);
}
