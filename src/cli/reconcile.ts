import { Command, Option } from "clipanion";
import type { SourceStatus } from "../reconcile/contract.ts";
import { positiveDuration } from "./deadline.ts";
import { renderError } from "./error-text.ts";
import { createLiveLine } from "./live-line.ts";
import { PlaneCommand } from "./plane-command.ts";
import { hasErrors, sourceTable } from "./status-report.ts";

const TIMEOUT_DEFAULT = "5m";

export class ReconcileCommand extends PlaneCommand {
  static override paths = [["reconcile"]];
  static override usage = Command.Usage({
    description: "let the daemon read its roots and sources anew",
    details:
      "Ends when what they declare was applied; with --wait when all of it runs or is stalled. Changes of files are noticed without it. Exit code 1: a source has errors, which are told; 4: no daemon runs.",
    examples: [
      ["Read everything anew", "$0 reconcile"],
      ["And wait until it runs, in a deployment", "$0 reconcile --wait --timeout 2m"],
    ],
  });

  wait = Option.Boolean("--wait", false, {
    description: "wait until everything that was applied is Ready or Stalled",
  });
  timeout = Option.String("--timeout", {
    description: `the most time to wait; default: ${TIMEOUT_DEFAULT}`,
  });

  async execute(): Promise<number> {
    this.checkOutput();
    const timeoutMs = positiveDuration("--timeout", this.timeout ?? TIMEOUT_DEFAULT) ?? 0;
    await using open = await this.openDaemon();
    const live = createLiveLine(this.context.stderr);
    live.say("reading the sources anew");
    try {
      const sources = await open.daemon.reconcile({ wait: this.wait, timeoutMs });
      live.end();
      return await this.report(sources);
    } finally {
      live.end();
    }
  }

  private async report(sources: readonly SourceStatus[]): Promise<number> {
    const { stdout, stderr } = this.context;
    const { renderText } = await import("../manifest/render.ts");
    await this.print(sources, sourceTable(sources, Date.now(), stdout));
    for (const { diagnostics, error } of sources) {
      stderr.write(renderText(diagnostics, { stream: stderr }));
      if (error !== undefined) stderr.write(renderError(error, stderr));
    }
    return sources.some(hasErrors) ? 1 : 0;
  }
}
