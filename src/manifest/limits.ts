/** Every bound of loading in one place; what exceeds one is refused with a diagnostic, never read on. */

/** The most bytes of one manifest file. */
export const FILE_BYTES_MAX = 2 * 2 ** 20;
/** The most bytes of a file of replies (repliesFrom). */
export const REFERENCED_BYTES_MAX = 4 * 2 ** 20;
/** The most bytes of the code of a tool (module, sourceFrom); a longer one is not loaded either. */
export const CODE_BYTES_MAX = 2 ** 20;
/** The most bytes of a file of instructions (instructionsFrom). */
export const INSTRUCTIONS_BYTES_MAX = 200_000;
/** The most manifest files of one load. */
export const FILES_MAX = 50_000;
/** The most folder entries that one load looks at. */
export const ENTRIES_MAX = 500_000;
/** How many folders may stand in each other below a root. */
export const FOLDER_DEPTH_MAX = 64;
/** How deep maps and lists may stand in each other, counted before a tree is built. */
export const NESTING_MAX = 100;
/** The most keys and values of one document, aliases expanded. */
export const DOCUMENT_NODES_MAX = 20_000;
/** How many faults of its YAML one document may report; more say nothing new. */
export const DOCUMENT_FAULTS_MAX = 100;
/** The most directives (lines that begin with %) before a document. */
export const DIRECTIVES_MAX = 16;
/** The most documents of one file. */
export const DOCUMENTS_MAX = 10_000;
/** The most characters of one string once its variables are replaced. */
export const EXPANDED_CHARS_MAX = 2 ** 20;
/** The most bytes of the cache of manifests on disk. */
export const CACHE_BYTES_MAX = 64 * 2 ** 20;
/** A cache that gets larger is written anew, with what is still used. */
export const CACHE_TIDY_BYTES = 32 * 2 ** 20;
/** How long loading may hold the event loop before it lets others run. */
export const SLICE_MS = 10;
/** The longest line that a diagnostic quotes. */
export const SNIPPET_CHARS_MAX = 4_000;
/** How many diagnostics a rendering for people shows. */
export const SHOWN_MAX = 50;
/** Diagnostics after those that get a line each. */
export const LINES_MAX = 500;
/** The most pieces (words, signs, spaces, line ends) of one document, counted before a tree is built. */
export const DOCUMENT_PIECES_MAX = 6 * DOCUMENT_NODES_MAX;
