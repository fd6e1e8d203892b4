/** The ways in which the fake behaves like the real one on a bad day. Each stays until it is taken out of the set. */
export type Habit =
  /** 0.8.5: knows no remote upload and no API tokens. Unknown calls end with code 12 and no text. */
  | 'old server'
  /** Code 12 for every remote upload, with a text that blames the path. */
  | 'no remote uploads here'
  /** Calls are taken and never answered. */
  | 'silent'
  /** Of endless streams: with the first message, as through some proxies. */
  | 'headers come late'
  /** Folders are refused by the code 7 that means the plan. */
  | 'plan limit'
  | 'a missing path is an empty entry'
  | 'an existing folder is an error of the call'
  | 'the mount list is without marks'
  | 'asks before the start is answered'
  | 'speaks of uploads of others'
  | 'reads out of order'
  | 'reads overlap'
  | 'reads past the end'
  | 'reads twice'
  /** An empty file is asked for with a read of nothing, instead of being finished at once. */
  | 'reads the empty file'
  /** Pieces are refused inside a reply that is OK. */
  | 'refuses pieces'
  /** Says that it took one byte less than it was given, and means it. */
  | 'takes short'
  /** Pieces over the limit end with code 11, not 8. */
  | 'limit is out of range'
  /** What it has already ends as Skipped, not as Finish. */
  | 'skips what it has'
  | 'small files are instant'
  /** A later upload of the same path and size is asked only for what is missing. */
  | 'resume skips parts'
  /** What an upload brought stands in the tree only after the next `flushWrites`. */
  | 'shows new files late'
  | 'ends with Error'
  | 'ends with FatalError'
  | 'ends with Ignored'
  /** Of files that were written, put by WebDAV or copied into a mount. */
  | 'finished tasks stay in the list'
  /** The same files fail on their way to it. */
  | 'the cloud is full'
  | 'WebDAV is off'
  /** The next one is done, and answered with 500. */
  | 'WebDAV loses the answer of a move'
  /** Every request of WebDAV is sent elsewhere. */
  | 'WebDAV redirects'
  /** Old ones tell the status of a task as text only. */
  | 'tasks have text only';
