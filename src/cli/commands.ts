import { ExplainCommand } from "./explain.ts";
import { InitCommand } from "./init.ts";
import { RunCommand } from "./run.ts";
import { SchemaCommand } from "./schema.ts";
import { ValidateCommand } from "./validate.ts";

/** Every command, in the order of `legion --help`. */
export const commands = [
  InitCommand,
  ValidateCommand,
  RunCommand,
  ExplainCommand,
  SchemaCommand,
] as const;
