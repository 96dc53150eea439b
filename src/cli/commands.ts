import { AnnotateCommand } from "./annotate.ts";
import { ApplyCommand } from "./apply.ts";
import { AskCommand } from "./ask.ts";
import { CompletionCommand } from "./completion.ts";
import { DeleteCommand } from "./delete.ts";
import { DescribeCommand } from "./describe.ts";
import { DiffCommand } from "./diff.ts";
import { DownCommand } from "./down.ts";
import { EventsCommand } from "./events.ts";
import { ExplainCommand } from "./explain.ts";
import { GetCommand } from "./get.ts";
import { InitCommand } from "./init.ts";
import { LabelCommand } from "./label.ts";
import { LogsCommand } from "./logs.ts";
import { PlanCommand } from "./plan.ts";
import { ReconcileCommand } from "./reconcile.ts";
import { RolloutHistoryCommand } from "./rollout-history.ts";
import { RolloutRestartCommand } from "./rollout-restart.ts";
import { RolloutStatusCommand } from "./rollout-status.ts";
import { RolloutUndoCommand } from "./rollout-undo.ts";
import { RunCommand } from "./run.ts";
import { SchemaCommand } from "./schema.ts";
import { StatusCommand } from "./status.ts";
import { TellCommand } from "./tell.ts";
import { UpCommand } from "./up.ts";
import { ValidateCommand } from "./validate.ts";
import { VersionCommand } from "./version.ts";
import { WaitCommand } from "./wait.ts";

/** Every command, in the order of `legion --help`. */
export const commands = [
  InitCommand,
  ValidateCommand,
  RunCommand,
  UpCommand,
  DownCommand,
  StatusCommand,
  ReconcileCommand,
  ApplyCommand,
  DiffCommand,
  PlanCommand,
  GetCommand,
  DescribeCommand,
  EventsCommand,
  LogsCommand,
  WaitCommand,
  LabelCommand,
  AnnotateCommand,
  DeleteCommand,
  RolloutStatusCommand,
  RolloutHistoryCommand,
  RolloutUndoCommand,
  RolloutRestartCommand,
  AskCommand,
  TellCommand,
  ExplainCommand,
  SchemaCommand,
  CompletionCommand,
  VersionCommand,
] as const;
