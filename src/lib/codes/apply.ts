import type { CodePage } from "../codes.ts";

/** LEG7025 to LEG7039: commands that change objects or wait for them. */
export const applyCodes = {
  LEG7025: {
    title: "manifests are named by -f",
    why: "The word after legion apply is the file of a saved plan. Manifests, whether files, folders, globs or standard input, are named by -f.",
    fix: "Put -f before the path.",
    example: { wrong: "legion apply agents.d", right: "legion apply -f agents.d" },
    exit: 2,
  },
  LEG7026: {
    title: "not ready in time",
    why: "What was waited for did not become Ready before --timeout was over; the message tells how it stood last. What was applied stays applied.",
    fix: "Look at it with legion describe, or wait longer with a greater --timeout.",
    exit: 124,
  },
  LEG7027: {
    title: "an object cannot become ready",
    why: "The object is Stalled: nothing will change by waiting, somebody has to mend it. The message tells what is missing.",
    fix: "Mend what the message names and apply again.",
  },
  LEG7028: {
    title: "the newest manifest was rejected",
    why: "The manifest that declares the object is not valid, so an older generation goes on running.",
    fix: "Mend the manifest at the place that the message names.",
  },
  LEG7029: {
    title: "the plan cannot be read or saved",
    why: "The file of the plan is not there, or its folder does not let it be written.",
    fix: "Check the path and the rights of the folder.",
  },
  LEG7030: {
    title: "not gone in time",
    why: "The object is marked for deletion, and what it has to end first (most often a turn that still runs) went on longer than --timeout. The deletion goes on.",
    fix: "Look at it with legion get, or wait longer with a greater --timeout.",
    exit: 124,
  },
  LEG7031: {
    title: "the daemon has not ended in time",
    why: "The daemon was told to end and still drains the turns that run.",
    fix: "Wait longer with a greater --timeout; legion status shows what still runs.",
    exit: 124,
  },
  LEG7032: {
    title: "the object was deleted meanwhile",
    why: "Somebody deleted the object while it was waited for.",
    fix: "Apply it again if it is to run.",
  },
  LEG7033: {
    title: "no answer in time",
    why: "The agent has not answered before --timeout was over. Only the waiting has ended: the message stays in its inbox, or the turn goes on.",
    fix: "Follow the agent with legion logs agent/NAME -f, or ask again with a greater --timeout.",
    exit: 124,
  },
  LEG7034: {
    title: "nothing says what to delete",
    why: "legion delete takes names, files (-f) or a kind with a selector (-l). A kind alone would delete every object of it, so --all has to say that.",
    fix: "Name the objects, add -l or -f, or write --all.",
    exit: 2,
  },
  LEG7035: {
    title: "the daemon has not started in time",
    why: "legion status --wait, or legion up --detach, waited for a daemon that has read its manifests and looked at every object once.",
    fix: "Look at what legion up says (with --detach: daemon.log in the state folder), or wait longer.",
    exit: 124,
  },
  LEG7036: {
    title: "the daemon did not start",
    why: "legion up --detach started a daemon, which ended, or went on starting for a minute; the message holds the end of its log.",
    fix: "Do what its log says, or run legion up without --detach to see it all.",
  },
} as const satisfies Record<string, CodePage>;
