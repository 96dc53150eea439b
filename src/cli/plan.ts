import { Command, Option } from "clipanion";
import { DeclaringCommand } from "./apply-command.ts";
import { reported } from "./exit-code.ts";
import { savePlan } from "./plan-file.ts";

export class PlanCommand extends DeclaringCommand {
  static override paths = [["plan"]];
  static override usage = Command.Usage({
    description: "tell what an apply would change, and save it as a plan",
    details:
      "Prints each object that would be created, updated or deleted, field by field, with what running agents notice of it: live, next-turn or restart. All fields of one that would be created are in legion diff. A saved plan does exactly that when it is applied, or is refused when an object has changed since. Exit code 0; with --detailed-exitcode 0: nothing to do, 1: an error, 2: changes.",
    examples: [
      ["What applying the working folder would change", "$0 plan --prune"],
      ["Look at it first, then apply just that", "$0 plan --out f.plan && $0 apply f.plan"],
      ["Fail a pipeline when something drifted", "$0 plan --detailed-exitcode"],
    ],
  });

  out = Option.String("--out,-out", {
    description: "save the plan in this file, which only its owner can read",
  });
  detailedExitCode = Option.Boolean("--detailed-exitcode,-detailed-exitcode", false, {
    description: "exit code 2 when there are changes, 1 for every error",
  });

  async execute(): Promise<number> {
    // Of a plan that was asked for its exit code, 2 means changes and nothing else.
    return this.detailedExitCode ? reported(this.context, 1, () => this.plan()) : this.plan();
  }

  private async plan(): Promise<number> {
    await this.checkFlags();
    await using declared = await this.declared("read");
    if (declared.isInvalid) return 1;
    const { report, conflict } = await this.planned(declared);
    const { plan } = report;
    const { planText } = await import("../manifest/plan-text.ts");
    const { cwd, stderr } = this.context;
    await this.print(plan, planText(plan));
    if (this.out !== undefined) {
      // What was not allowed is not to be carried out by a plan either.
      if (conflict !== undefined) throw conflict;
      await savePlan(this.out, plan, cwd);
      if (!this.quiet) stderr.write(`saved; apply it with: legion apply ${this.out}\n`);
    }
    const isEmpty = plan.changes.every(({ action }) => action === "keep");
    return this.detailedExitCode && !isEmpty ? 2 : 0;
  }
}
