import type { CodePage } from "../codes.ts";

/** LEG1114 to LEG1119: watchers and their triggers. LEG112x: schedules, and what is called. */
export const triggerCodes = {
  LEG1114: {
    title: "a private address that is not opened",
    why: "Watchers ask public addresses only, so that no manifest looks around in the network that it runs in. This one asks this machine or a private network, which is refused at every look.",
    fix: "List the host, the address or its network in spec.allowPrivate.",
    example: {
      wrong: "url: http://localhost:3000/health",
      right: "url: http://localhost:3000/health\nallowPrivate: [localhost]",
    },
  },
  LEG1115: {
    title: "a trigger or a template is wrong",
    why: "A text in the trigger language does not parse, or has a name, a type, a window or a bound that cannot be right. It is checked before it runs, and each problem has a code of the language: E1xx syntax, E2xx types, E3xx bounds, E4xx names.",
    fix: "Correct the text at the place that the message points at: legion explain E401 tells about a code of the language, legion trigger check tries a trigger without a manifest.",
    example: {
      wrong: "trigger: when statu >= 500 for 3 polls",
      right: "trigger: when status >= 500 for 3 polls",
    },
  },
  LEG1116: {
    title: "a watcher without the agent that it needs",
    why: "The action wake tells the agent that spec.agent names, and a trigger without a then wakes. A key of the key-value store is one of that agent too, unless spec.kvNamespace is given. This watcher names no agent.",
    fix: "Add spec.agent, or write other actions: then silent, then message:AGENT, then tool:TOOL.FUNCTION.",
    example: {
      wrong: "type: process\nmatch: nginx\ntrigger: not running",
      right: "type: process\nmatch: nginx\ntrigger: not running\nagent: operator",
    },
  },
  LEG1117: {
    title: "unless firing names no other watcher",
    why: "unless firing(NAME) holds a watcher back while another one of its namespace fires. This name is that of no Watcher that was loaded, or that of the watcher itself.",
    fix: "Correct the name, add the Watcher, or take the clause out.",
  },
  LEG1118: {
    title: "an action that this Legion does not have",
    why: "The language has the actions task:NAME and pipeline:NAME, but there are no task boards and no pipelines to take them yet. An action that nobody takes would be lost, so it is refused.",
    fix: "Write wake, message:AGENT or tool:TOOL.FUNCTION.",
    example: { wrong: "then task:triage", right: "then message:triage" },
  },
  LEG1119: {
    title: "arguments that the function does not take",
    why: "A watcher or a cron calls a function of a Tool, and what it gives is not what spec.functions of that Tool declares as its parameters.",
    fix: "Give the arguments that the message names; those of an action are a map behind its name.",
    example: {
      wrong: "then tool:tickets.open",
      right: 'then tool:tickets.open {"title": "checkout is down"}',
    },
  },
  LEG1120: {
    title: "not a schedule",
    why: "spec.schedule of a Cron is not cron's form, @hourly and the like, or every and a duration; or it never comes, such as the 30th of February.",
    fix: "Correct the schedule; legion cron next shows the moments that one stands for.",
    example: { wrong: "schedule: 0 25 * * *", right: "schedule: 0 5 * * *" },
  },
  LEG1121: {
    title: "unknown time zone",
    why: "A time zone is the name of a place in the IANA database, which knows when its clocks change. An offset such as +01:00 does not, and abbreviations stand for several places.",
    fix: "Write a name such as Europe/Oslo or America/New_York, or UTC.",
    example: { wrong: "timezone: CEST", right: "timezone: Europe/Berlin" },
  },
  LEG1122: {
    title: "a schedule without time",
    why: "startAt or endAt of a Cron is a date that the calendar does not have, or the schedule has no moment from startAt up to endAt.",
    fix: "Correct the dates: startAt comes first, and endAt itself counts no more.",
    example: {
      wrong: "startAt: 2026-06-01\nendAt: 2026-01-01",
      right: "startAt: 2026-01-01\nendAt: 2026-06-01",
    },
  },
  LEG1123: {
    title: "a watcher or a cron calls a function that needs a person",
    why: "The function is declared approval: true, or it asks people and waits for them. Watchers and crons call their functions themselves, and no person is asked.",
    fix: "Name an agent instead: it gets a message, and people are asked when it calls the function. Or name a function that needs nobody.",
    example: {
      wrong: "trigger: not ok then tool:pay.refund",
      right: "trigger: not ok then wake\nagent: cashier",
    },
  },
} as const satisfies Record<string, CodePage>;
