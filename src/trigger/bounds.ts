/** What a trigger may cost. */
export const SOURCE_BYTES_MAX = 4096;
export const NODES_MAX = 512;
export const DEPTH_MAX = 32;
export const WINDOW_MS_MAX = 24 * 3_600_000;
export const WINDOW_POLLS_MAX = 10_000;
export const HISTORY_CALLS_MAX = 8;
/** Steps of one evaluation. */
export const STEPS_MAX = 100_000;
/** Characters of a text that an evaluation makes. */
export const TEXT_CHARS_MAX = 2 ** 20;
/** Fires that `at most` can count. */
export const FIRES_MAX = 10_000;
/** No duration of a trigger is longer: a thousand years, which a number still holds to the millisecond. */
export const DURATION_MS_MAX = 1000 * 366 * 86_400_000;
/** How deep lists and maps of a sample may stand in each other. */
export const DATA_DEPTH_MAX = 256;
/** Lists, maps and texts longer than this are kept for so many polls at most: a history of bodies would fill the memory. */
export const BIG_TEXT_CHARS = 4096;
export const BIG_POLLS_MAX = 16;
