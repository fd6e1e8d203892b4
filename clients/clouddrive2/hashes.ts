/** The three hashes that CloudDrive2 knows, by our names and its numbers. */

/** `pikpak-sha1`: SHA-1 over the SHA-1s of segments, in capitals; the others are in small letters. */
export type HashKind = 'md5' | 'sha1' | 'pikpak-sha1';
export type Hashes = Partial<Readonly<Record<HashKind, string>>>;

const NUMBERS = { md5: 1, sha1: 2, 'pikpak-sha1': 3 } as const;
const NAMES = { md5: 'Md5', sha1: 'Sha1', 'pikpak-sha1': 'PikPakSha1' } as const;
const KINDS: readonly HashKind[] = ['md5', 'sha1', 'pikpak-sha1'];

/** Null: a kind that we do not know. */
export function hashKindOf(number: number): HashKind | null {
  return KINDS.find((kind) => NUMBERS[kind] === number) ?? null;
}

export function hashNameOf(kind: HashKind): (typeof NAMES)[HashKind] {
  return NAMES[kind];
}

/** From a map by number; kinds that we do not know and empty values are left out. */
export function hashesOf(byNumber: Readonly<Record<number, string>>): Hashes {
  return Object.fromEntries(
    KINDS.flatMap((kind) => (byNumber[NUMBERS[kind]] ? [[kind, byNumber[NUMBERS[kind]]]] : [])),
  );
}

export function hashNumbers(hashes: Hashes): Record<number, string> {
  return Object.fromEntries(KINDS.flatMap((kind) => (hashes[kind] ? [[NUMBERS[kind], hashes[kind]]] : [])));
}
