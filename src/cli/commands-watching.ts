import type { CommandEntry } from "./command-entry.ts";

/** What people do with watchers and crons that run. */
export const steeringCommands: readonly CommandEntry[] = [
  {
    name: "silence",
    description: "hold back what a watcher tells, for a while",
    load: async () => (await import("./silence.ts")).SilenceCommand,
  },
  {
    name: "silence list",
    description: "list the silences of watchers that go on, oldest first",
    load: async () => (await import("./silence-list.ts")).SilenceListCommand,
  },
  {
    name: "silence remove",
    description: "end a silence: the watcher tells what it sees again",
    load: async () => (await import("./silence-remove.ts")).SilenceRemoveCommand,
  },
  {
    name: "suspend",
    description: "let a watcher, a cron or a source rest",
    load: async () => (await import("./suspend.ts")).SuspendCommand,
  },
  {
    name: "cron next",
    description: "tell when a cron is due next, by the clocks of its zone and in UTC",
    load: async () => (await import("./cron-next.ts")).CronNextCommand,
  },
  {
    name: "cron trigger",
    description: "run a cron now, whatever its schedule says",
    load: async () => (await import("./cron-trigger.ts")).CronTriggerCommand,
  },
  {
    name: "cron resume",
    description: "let a cron go on that pauses after a run that failed",
    load: async () => (await import("./cron-resume.ts")).CronResumeCommand,
  },
  {
    name: "cron ticks",
    description: "list what came of the moments of a cron, newest first",
    load: async () => (await import("./cron-ticks.ts")).CronTicksCommand,
  },
];

/** Triggers and watchers without a daemon. */
export const watchingCommands: readonly CommandEntry[] = [
  {
    name: "explain trigger",
    description: "show the trigger of a watcher as a tree, with its last values",
    load: async () => (await import("./explain-trigger.ts")).ExplainTriggerCommand,
  },
  {
    name: "trigger",
    description: "try triggers: check, eval, repl, functions",
    load: async () => (await import("./trigger.ts")).TriggerCommand,
  },
  {
    name: "trigger check",
    description: "check a trigger against the names of its source",
    load: async () => (await import("./trigger-check.ts")).TriggerCheckCommand,
  },
  {
    name: "trigger eval",
    description: "try an expression or a trigger on samples, without a watcher",
    load: async () => (await import("./trigger-eval.ts")).TriggerEvalCommand,
  },
  {
    name: "trigger repl",
    description: "try expressions and triggers line by line, on samples that you give",
    load: async () => (await import("./trigger-repl.ts")).TriggerReplCommand,
  },
  {
    name: "trigger functions",
    description: "list the functions of the trigger language, or tell about one",
    load: async () => (await import("./trigger-functions.ts")).TriggerFunctionsCommand,
  },
  {
    name: "watch test",
    description: "run a watcher over the samples of a file, and tell where it differs",
    load: async () => (await import("./watch-test.ts")).WatchTestCommand,
  },
];
