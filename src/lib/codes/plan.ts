import type { CodePage } from "../codes.ts";

/** LEG108x: plans and the watching of manifest roots. */
export const planCodes = {
  LEG1080: {
    title: "pruning would delete everything",
    why: "A source declares no object at all, while objects that came from it run. An empty folder is more often a wrong path or a mount that is not there than a wish, so nothing is deleted.",
    fix: "Check the path. When everything is to go, apply with --prune --allow-empty.",
  },
  LEG1081: {
    title: "the plan is stale",
    why: "Objects that a saved plan was computed from have been created, changed or deleted since; the message lists them. Nothing was applied.",
    fix: "Make the plan anew, look at it, and apply that one.",
    exit: 3,
  },
  LEG1082: {
    title: "not a saved plan",
    why: "The file is not what legion plan wrote: it is of another version, cut off, or was edited. A plan is applied exactly as it was looked at, or not at all.",
    fix: "Make the plan anew and save it again.",
  },
  LEG1083: {
    title: "folders cannot be watched",
    why: "The system refuses to tell about changes in folders (most often the limit of inotify watches is used up), so the folders are searched at intervals. Changes are still found, some seconds later.",
    fix: "Raise fs.inotify.max_user_watches, name smaller folders, or ask for polling to be rid of the warning.",
  },
  LEG1084: {
    title: "a file changes too often",
    why: "A file of a manifest root was the cause of more than five reloads within ten seconds, so what it says is held as it was. Most often a program writes it in a loop.",
    fix: "Stop what writes the file. It is taken up again by itself once it has been quiet for ten seconds.",
  },
  LEG1085: {
    title: "git holds its lock for long",
    why: "The folders wait while git changes the work tree (.git/index.lock exists). The lock is older than half a minute, most often because a git process was killed, so loading went on; nothing is pruned while it is there.",
    fix: "When no git process runs, remove the index.lock that the message names.",
  },
} as const satisfies Record<string, CodePage>;
