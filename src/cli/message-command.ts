import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Option } from "clipanion";
import { LegionError, messageOf } from "../lib/errors.ts";
import { isObject, type JsonObject } from "../lib/json.ts";
import type { AgentMessage } from "../reconcile/agents-contract.ts";
import { ObjectCommand } from "./plane-command.ts";
import { fullTask } from "./task-input.ts";

/** A command that sends an agent a message: what it says, and where it goes. */
export abstract class MessageCommand extends ObjectCommand {
  reference = Option.String({ required: false, name: "agent/NAME" });
  task = Option.String({ required: false, name: "task" });
  input = Option.Array("--input", [], {
    description: "name=value that is given to the agent with the task; may be repeated",
  });
  conversation = Option.String("--conversation", {
    description: "which conversation; default: main, or the one of a replica",
  });
  dedupeKey = Option.String("--dedupe-key", {
    description: "messages with one key have one effect",
  });
  vault = Option.String("--vault", {
    description: "a JSON file with data for the tools only: no model, log or journal sees it",
  });

  /** The task. Throws LEG7001 without one. */
  protected async requiredTask(command: string): Promise<string> {
    const task = await fullTask(this.context, this);
    if (task.trim() !== "") return task;
    throw new LegionError({
      code: "LEG7001",
      message: `legion ${command} needs a task`,
      hint: `write it in quotes: legion ${command} agent/NAME 'What is to be done'`,
    });
  }

  protected async addressed(): Promise<Pick<AgentMessage, "conversation" | "dedupeKey" | "vault">> {
    const { conversation, dedupeKey } = this;
    const vault = await this.vaultData();
    return {
      ...(conversation !== undefined && { conversation }),
      ...(dedupeKey !== undefined && { dedupeKey }),
      ...(vault !== undefined && { vault }),
    };
  }

  private async vaultData(): Promise<JsonObject | undefined> {
    if (this.vault === undefined) return undefined;
    try {
      const value: unknown = JSON.parse(
        await readFile(resolve(this.context.cwd, this.vault), "utf8"),
      );
      if (isObject(value)) return value as JsonObject;
      throw new Error("it holds no JSON object");
    } catch (error) {
      // What is in the file is secret: no part of it is told.
      const what = error instanceof SyntaxError ? "it is no JSON" : messageOf(error);
      throw new LegionError({
        code: "LEG7001",
        message: `--vault cannot use ${this.vault}: ${what}`,
        hint: 'name a file such as {"user": "ada"}',
      });
    }
  }
}
