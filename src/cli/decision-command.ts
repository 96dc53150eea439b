import { userInfo } from "node:os";
import { Option } from "clipanion";
import { LegionError } from "../lib/errors.ts";
import type { AgentsPlane } from "../reconcile/agents-contract.ts";
import { PlaneCommand } from "./plane-command.ts";
import { shortId } from "./short-id.ts";

/** A command that decides one question. */
export abstract class DecisionCommand extends PlaneCommand {
  question = Option.String({ required: false, name: "ID" });
  by = Option.String("--by", { description: "who decides, for the record; default: the user" });

  protected async decided(
    command: string,
    decision: (by: string) => Parameters<AgentsPlane["decide"]>[1],
  ): Promise<number> {
    const id = this.question;
    if (id === undefined) throw noId(command);
    await using open = await this.openDaemon();
    const question = await open.daemon.decide(id, decision(this.by ?? userInfo().username));
    await this.print(question, `${question.type} ${shortId(question.id)} ${question.state}`);
    return 0;
  }
}

function noId(command: string): LegionError {
  return new LegionError({
    code: "LEG7001",
    message: `legion ${command} needs the id of a question`,
    hint: `legion get questions lists those that wait; then: legion ${command} ID`,
  });
}
