import type { CodePage } from "../codes.ts";

/** LEG730x to LEG734x: verbs about triggers, watchers and crons. */
export const watchCommandCodes = {
  LEG7300: {
    title: "the watcher does not look",
    why: "The values of a trigger are those of the last look of its watcher, and this one has not begun to look: it was not accepted, or something that it names is missing.",
    fix: "Run legion describe watcher/NAME: its conditions tell what is missing. legion explain trigger NAME -f PATH shows the types without values.",
  },
  LEG7301: {
    title: "not a time to be silent for",
    why: "A silence ends at a moment that is to come, at most 365 days from now.",
    fix: "Give a duration such as 30m, 2h or 7d, or a moment with its offset. A watcher that is to say nothing for good is suspended with spec.suspend, or deleted.",
    example: {
      wrong: "legion silence checkout 2 hours",
      right: "legion silence checkout 2h --reason deploy",
    },
    exit: 2,
  },
  LEG7302: {
    title: "the cron cannot be run",
    why: "The cron is known, but no schedule was begun for it: it was not accepted, or the agent or the tool that it names is missing.",
    fix: "Run legion describe cron/NAME: its conditions tell what is missing.",
  },
  LEG7303: {
    title: "the cron does not pause",
    why: "Only a cron with spec.pauseOnFailure pauses, after a run that failed. This one goes on, rests by spec.suspend, or has ended.",
    fix: "Run legion describe cron/NAME: it tells how it stands.",
    exit: 3,
  },
  LEG7304: {
    title: "no silence of that name",
    why: "No silence that goes on has this id, and no watcher of this name is silenced.",
    fix: "Run legion silence list: it shows all that go on, with their ids.",
  },
  LEG7305: {
    title: "not a moment to count from",
    why: "legion cron next counts from a date, from a date and time with its offset, or from a duration after now.",
    fix: "Write one of the three.",
    example: { wrong: "--from tomorrow", right: "--from 2026-03-28T00:00:00+01:00" },
    exit: 2,
  },
  LEG7331: {
    title: "a sample is not right",
    why: "A sample is what one look at a source gives: a JSON object with the names of that source, and at for its moment.",
    fix: "Mend the sample that the message names; legion trigger repl lists the names of a source with :roots.",
    example: { wrong: '{"statu": 503}', right: '{"status": 503, "at": "30s"}' },
  },
  LEG7332: {
    title: "the file of cases is not right",
    why: "A file of cases has a list cases; each has a name, samples, and what is expected at the moments of its polls.",
    fix: "Mend what the message names, at its place.",
    example: {
      wrong: "cases:\n  - samples: [{ status: 503 }]\n",
      right:
        "cases:\n  - name: one bad poll wakes\n    samples: [{ status: 503 }]\n    expect: [{ at: 0s, fire: edge }]\n",
    },
  },
  LEG7333: {
    title: "no case goes by that name",
    why: "--filter takes the cases whose name has its text in it, and none has.",
    fix: "Use a part of one of the names that the message lists.",
  },
  LEG7334: {
    title: "no function of that name",
    why: "The trigger language has a fixed set of functions.",
    fix: "Run legion trigger functions; it lists all of them with what they do.",
  },
  LEG7335: {
    title: "not a command of the trigger prompt",
    why: "A line that begins with a colon is a command, and this is none of them.",
    fix: "Write :help for the list.",
  },
  LEG7336: {
    title: "a file that a trigger is tried with cannot be read",
    why: "It is not there, or it is no regular text file, or nobody may read it.",
    fix: "Name a file that can be read, or - for standard input.",
  },
} as const satisfies Record<string, CodePage>;
