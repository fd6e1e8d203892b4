/** Keys in events of stores that do not say, or not truly, whether they encode them. An event is only a hint to look. */

/** As it is, and form-decoded where that is another key. */
export function keyReadings(key: string): readonly string[] {
  try {
    const decoded = formDecoded(key);
    return decoded === key ? [key] : [key, decoded];
  } catch {
    // A bare `%`: this one is not encoded.
    return [key];
  }
}

/** A space is `+`. Throws URIError for a bare `%`. */
export function formDecoded(key: string): string {
  return decodeURIComponent(key.replaceAll('+', ' '));
}
