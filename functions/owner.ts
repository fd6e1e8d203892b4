/** Homes in a cloud have one owner, under the name that also files of the inbox have. */
export const OWNER = 'local';
