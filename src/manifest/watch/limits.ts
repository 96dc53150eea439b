/** Every bound and default of watching in one place. */

/** How long folders must be quiet before what changed is told. */
export const DEBOUNCE_MS = 300;
/** How long what changed may wait for quiet. */
export const DEBOUNCE_MAX_MS = 2_000;
/** How long a file may go on being written before it is told as it stands. */
export const UNSETTLED_MAX_MS = 10_000;
/** How often everything is searched although no folder told of a change. */
export const RESCAN_MS = 30_000;
/** How often everything is searched when folders cannot be watched. */
export const POLL_MS = 2_000;
/** Searching on a timer takes at most this share of the time: a slow search makes the next one later. */
export const SCAN_SHARE_MAX = 0.1;
/** A file that changed less than this before it was read is read again: its time stamp may not show another change. */
export const STAMP_TRUST_MS = 2_000;
/** How many reloads one file may cause within the window before it is held as it was, and how long it must be quiet then. */
export const RELOADS_MAX = 5;
export const RELOADS_WINDOW_MS = 10_000;
export const SUSPENDED_QUIET_MS = 10_000;
/** How often to look whether git is done, and how long it may take. */
export const GIT_LOOK_MS = 200;
export const GIT_WAIT_MAX_MS = 30_000;
/** More folders than this are searched at intervals, not watched. */
export const WATCHED_FOLDERS_MAX = 20_000;
/** How many paths a burst of changes is remembered by; beyond it the oldest are forgotten. */
export const HINTED_PATHS_MAX = 10_000;
/** With more changed paths than this everything is searched. */
export const SCANNED_HINTS_MAX = 256;
/** How many folders are looked at at the same time. */
export const STATS_AT_ONCE = 64;
/** How many own writes are remembered until they are seen. */
export const OWN_WRITES_MAX = 10_000;
/** The most files besides manifests that are followed. */
export const FOLLOWED_MAX = 10_000;
/** How often in a row folders that appear while others are searched make for another search. */
export const SEARCHES_MAX = 4;
