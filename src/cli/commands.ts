import type { CommandEntry } from "./command-entry.ts";
import { steeringCommands, watchingCommands } from "./commands-watching.ts";

/** Every command, in the order of `legion --help`. */
export const commands: readonly CommandEntry[] = [
  {
    name: "init",
    description: "write a small manifest repository that works",
    load: async () => (await import("./init.ts")).InitCommand,
  },
  {
    name: "validate",
    description: "check manifests offline: syntax, fields, references",
    load: async () => (await import("./validate.ts")).ValidateCommand,
  },
  {
    name: "run",
    description: "run an agent once: the answer on stdout, the rest on stderr",
    load: async () => (await import("./run.ts")).RunCommand,
  },
  {
    name: "up",
    description: "run the daemon: keep agents as manifests declare them",
    load: async () => (await import("./up.ts")).UpCommand,
  },
  {
    name: "down",
    description: "end the daemon, once its turns have drained",
    load: async () => (await import("./down.ts")).DownCommand,
  },
  {
    name: "status",
    description: "show how the daemon stands, and everything that is wrong",
    load: async () => (await import("./status.ts")).StatusCommand,
  },
  {
    name: "reconcile",
    description: "let the daemon read its roots and sources anew",
    load: async () => (await import("./reconcile.ts")).ReconcileCommand,
  },
  {
    name: "apply",
    description: "make the objects be as manifests declare them",
    load: async () => (await import("./apply.ts")).ApplyCommand,
  },
  {
    name: "diff",
    description: "show how manifests differ from what there is",
    load: async () => (await import("./diff.ts")).DiffCommand,
  },
  {
    name: "plan",
    description: "tell what an apply would change, and save it as a plan",
    load: async () => (await import("./plan.ts")).PlanCommand,
  },
  {
    name: "get",
    description: "list objects, or show single ones",
    load: async () => (await import("./get.ts")).GetCommand,
  },
  {
    name: "describe",
    description: "tell everything about an object: spec, conditions, history, events",
    load: async () => (await import("./describe.ts")).DescribeCommand,
  },
  {
    name: "events",
    description: "list what happened to the objects of a daemon",
    load: async () => (await import("./events.ts")).EventsCommand,
  },
  {
    name: "logs",
    description: "tell what an agent did: its turns, steps, tool calls and answers",
    load: async () => (await import("./logs.ts")).LogsCommand,
  },
  {
    name: "wait",
    description: "wait until objects are in a state, or are gone",
    load: async () => (await import("./wait.ts")).WaitCommand,
  },
  {
    name: "label",
    description: "set or remove labels of objects",
    load: async () => (await import("./label.ts")).LabelCommand,
  },
  {
    name: "annotate",
    description: "set or remove annotations of objects",
    load: async () => (await import("./annotate.ts")).AnnotateCommand,
  },
  {
    name: "delete",
    description: "delete objects, and wait until they have ended",
    load: async () => (await import("./delete.ts")).DeleteCommand,
  },
  {
    name: "rollout status",
    description: "wait until the newest generation of an object runs",
    load: async () => (await import("./rollout-status.ts")).RolloutStatusCommand,
  },
  {
    name: "rollout history",
    description: "list the generations of an object that are kept",
    load: async () => (await import("./rollout-history.ts")).RolloutHistoryCommand,
  },
  {
    name: "rollout undo",
    description: "go back to an earlier generation of an object",
    load: async () => (await import("./rollout-undo.ts")).RolloutUndoCommand,
  },
  {
    name: "rollout restart",
    description: "begin a new conversation of a running agent",
    load: async () => (await import("./rollout-restart.ts")).RolloutRestartCommand,
  },
  {
    name: "ask",
    description: "send a running agent a message and wait for its answer",
    load: async () => (await import("./ask.ts")).AskCommand,
  },
  {
    name: "tell",
    description: "put a message into the inbox of a running agent",
    load: async () => (await import("./tell.ts")).TellCommand,
  },
  {
    name: "chat",
    description: "talk with a running agent",
    load: async () => (await import("./chat.ts")).ChatCommand,
  },
  {
    name: "attach",
    description: "follow one agent live, after its recent events",
    load: async () => (await import("./attach.ts")).AttachCommand,
  },
  {
    name: "interrupt",
    description: "cancel the turn that an agent has; the agent goes on",
    load: async () => (await import("./interrupt.ts")).InterruptCommand,
  },
  {
    name: "pause",
    description: "let an agent take messages and answer none",
    load: async () => (await import("./lifecycle-command.ts")).PauseCommand,
  },
  {
    name: "resume",
    description: "let what was paused, stopped or suspended go on",
    load: async () => (await import("./lifecycle-command.ts")).ResumeCommand,
  },
  {
    name: "stop",
    description: "let an agent take no messages; --all stops every agent at once",
    load: async () => (await import("./stop.ts")).StopCommand,
  },
  {
    name: "restart",
    description: "cancel the turns of an agent and let it run again",
    load: async () => (await import("./restart.ts")).RestartCommand,
  },
  {
    name: "scale",
    description: "set how many replicas of an agent share its messages",
    load: async () => (await import("./scale.ts")).ScaleCommand,
  },
  {
    name: "respond",
    description: "answer the question of an agent, which then goes on",
    load: async () => (await import("./respond.ts")).RespondCommand,
  },
  {
    name: "approve",
    description: "allow a call that waits for a person",
    load: async () => (await import("./approve.ts")).ApproveCommand,
  },
  {
    name: "deny",
    description: "refuse a call that waits for a person",
    load: async () => (await import("./deny.ts")).DenyCommand,
  },
  {
    name: "conversations list",
    description: "list the conversations of an agent",
    load: async () => (await import("./conversations-list.ts")).ConversationsListCommand,
  },
  {
    name: "conversations show",
    description: "print the newest messages of a conversation",
    load: async () => (await import("./conversations-show.ts")).ConversationsShowCommand,
  },
  {
    name: "conversations end",
    description: "end a conversation of an agent for good",
    load: async () => (await import("./conversations-end.ts")).ConversationsEndCommand,
  },
  {
    name: "runs list",
    description: "list what agents have done, newest first",
    load: async () => (await import("./runs-list.ts")).RunsListCommand,
  },
  {
    name: "runs show",
    description: "tell a run step by step, with the runs that it started",
    load: async () => (await import("./runs-show.ts")).RunsShowCommand,
  },
  {
    name: "runs cancel",
    description: "cancel a run, and those that it started",
    load: async () => (await import("./runs-cancel.ts")).RunsCancelCommand,
  },
  {
    name: "runs resume",
    description: "give an agent the task of a run that came to nothing again",
    load: async () => (await import("./runs-resume.ts")).RunsResumeCommand,
  },
  {
    name: "runs rollback",
    description: "undo what the tools of a run did, newest call first",
    load: async () => (await import("./runs-rollback.ts")).RunsRollbackCommand,
  },
  {
    name: "runs replay",
    description: "do a run again from its record, offline, and tell where it differs",
    load: async () => (await import("./runs-replay.ts")).RunsReplayCommand,
  },
  {
    name: "inbox dead",
    description: "list messages that were given up, with the cause",
    load: async () => (await import("./inbox-dead.ts")).InboxDeadCommand,
  },
  {
    name: "inbox redrive",
    description: "put dead letters of an agent back into its inbox",
    load: async () => (await import("./inbox-redrive.ts")).InboxRedriveCommand,
  },
  ...steeringCommands,
  {
    name: "graveyard list",
    description: "list agents that were deleted or terminated",
    load: async () => (await import("./graveyard-list.ts")).GraveyardListCommand,
  },
  {
    name: "graveyard restore",
    description: "bring back an agent that was deleted or terminated",
    load: async () => (await import("./graveyard-restore.ts")).GraveyardRestoreCommand,
  },
  {
    name: "explain",
    description: "tell about a kind, a field, a builtin tool or an error code",
    load: async () => (await import("./explain.ts")).ExplainCommand,
  },
  ...watchingCommands,
  {
    name: "schema",
    description: "print the JSON Schema of a kind, or write all of them to a folder",
    load: async () => (await import("./schema.ts")).SchemaCommand,
  },
  {
    name: "completion",
    description: "print the completion script of a shell: bash, zsh or fish",
    load: async () => (await import("./completion.ts")).CompletionCommand,
  },
  {
    name: "version",
    description: "print the version",
    load: async () => (await import("./version.ts")).VersionCommand,
  },
];
