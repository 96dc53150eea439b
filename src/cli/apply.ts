import { Command, Option } from "clipanion";
import { LegionError } from "../lib/errors.ts";
import { count } from "../lib/text.ts";
import type { Diagnostic } from "../manifest/diagnostics.ts";
import type { AppliedObject, ApplyReport, ObjectPlane } from "../reconcile/contract.ts";
import { type Declared, DeclaringCommand } from "./apply-command.ts";
import { applyData, applyLines, applyNames, applySummary } from "./apply-report.ts";
import { waitUntilReady } from "./apply-wait.ts";
import { isTimeout, limited, positiveDuration } from "./deadline.ts";
import { style } from "./error-text.ts";
import { createLiveLine } from "./live-line.ts";
import { loadPlan } from "./plan-file.ts";
import { openDaemon } from "./plane.ts";

const WAIT_DEFAULT = "5m";
const dryRuns = ["client", "server"] as const;
type DryRun = (typeof dryRuns)[number] | "none";

/** What an apply did or would do; a client's comparison has no plan. */
type Report = Pick<ApplyReport, "objects" | "dryRun"> & Partial<ApplyReport>;

export class ApplyCommand extends DeclaringCommand {
  static override paths = [["apply"]];
  static override usage = Command.Usage({
    description: "make the objects be as manifests declare them",
    details:
      "Checks all manifests and applies all of them, or nothing when something is wrong with one. Prints created, configured, unchanged, pruned, kept or deferred for each object. A word without -f is a plan that legion plan --out saved; it is refused when an object has changed since. Exit code 1: not valid, or --wait found an object stalled; 3: a conflict or a stale plan; 4: --wait without a daemon; 124: --wait was over.",
    examples: [
      ["Apply the working folder, and delete what it declares no more", "$0 apply --prune"],
      ["Say what would happen, and write nothing", "$0 apply --dry-run=server"],
      ["Wait until everything runs", "$0 apply --wait --timeout 2m"],
      ["Apply exactly what was looked at", "$0 plan --out f.plan && $0 apply f.plan"],
      ["Apply what a program writes", "generate | $0 apply -f -"],
    ],
  });

  plan = Option.String({ required: false, name: "PLANFILE" });
  dryRun = Option.String("--dry-run", {
    tolerateBoolean: true,
    description: "say what would happen: client compares here, server asks the plane (default)",
  });
  continueOnError = Option.Boolean("--continue-on-error", false, {
    description: "apply the valid objects though others are not; exit code 1 all the same",
  });
  wait = Option.Boolean("--wait", false, {
    description: "wait until everything that was applied is Ready; needs a daemon",
  });
  timeout = Option.String("--timeout", {
    description: `the most time of --wait; default: ${WAIT_DEFAULT}`,
  });

  protected override formats(): readonly string[] {
    return [...super.formats(), "name"];
  }

  async execute(): Promise<number> {
    await this.checkFlags();
    const dryRun = dryRunOf(this.dryRun);
    positiveDuration("--timeout", this.timeout);
    // A daemon that is not there is found out before anything is written.
    if (this.wait)
      await (await openDaemon(this.context, this.planeOptions()))[Symbol.asyncDispose]();
    if (this.plan !== undefined) return this.applySaved(this.plan, dryRun);
    await using declared = await this.declared(dryRun === "none" ? "create" : "read");
    const { set, isInvalid } = declared;
    if (isInvalid && !this.continueOnError) {
      if (this.output !== "name") await this.print(nothingApplied(set.diagnostics), "");
      this.context.stderr.write("nothing was applied\n");
      return 1;
    }
    const report = await this.working(`applying ${count(declared.objects.length, "object")}`, () =>
      this.carryOut(declared, dryRun),
    );
    await this.report(report, set.diagnostics, set.invalid.length);
    const exitCode = await this.waitFor(declared.plane, report);
    return isInvalid ? 1 : exitCode;
  }

  protected override goesOn(): boolean {
    return super.goesOn() || this.continueOnError;
  }

  private async carryOut(declared: Declared, dryRun: DryRun): Promise<Report> {
    const request = this.request(declared, dryRun === "server");
    if (dryRun !== "client") return declared.plane.apply(request);
    const { clientOutcomes } = await import("./apply-client.ts");
    const { items } = await declared.plane.list({});
    return { source: request.source, objects: clientOutcomes(request, items), dryRun: true };
  }

  private async applySaved(path: string, dryRun: DryRun): Promise<number> {
    if (this.file.length > 0 || dryRun !== "none" || this.prune) {
      throw new LegionError({
        code: "LEG7001",
        message: "a saved plan is applied as it is, without -f, --prune and --dry-run",
        hint: `leave the flags out, or make another plan; legion apply ${path}`,
      });
    }
    const plan = await loadPlan(path, this.context.cwd);
    await using open = await this.openPlane("create");
    const report = await this.working(`applying ${path}`, () =>
      open.plane.applyPlan(plan, this.fieldManager),
    );
    await this.report(report, [], 0);
    return this.waitFor(open.plane, report);
  }

  private async report(
    report: Report,
    diagnostics: readonly Diagnostic[],
    invalid: number,
  ): Promise<void> {
    const { stdout, stderr } = this.context;
    const { objects } = report;
    if (this.output === "name") stdout.write(applyNames(objects));
    else await this.print(applyData(report, diagnostics), () => applyLines(objects, stdout));
    if (!this.quiet) stderr.write(`${style("dim", applySummary(report, invalid), stderr)}\n`);
  }

  /** Waits, where --wait says so, until what is there after the apply runs. */
  private async waitFor(plane: ObjectPlane, { objects, dryRun }: Report): Promise<number> {
    if (!this.wait || dryRun) return 0;
    const { signal, stderr } = this.context;
    const timeoutMs = positiveDuration("--timeout", this.timeout ?? WAIT_DEFAULT);
    const deadline = limited(signal, timeoutMs);
    const live = createLiveLine(stderr);
    try {
      const options = { signal: deadline, timeoutMs: timeoutMs ?? 0, onProgress: live.say };
      const isReady = await waitUntilReady(plane, objects.filter(isToRun), options);
      if (!isReady) return isTimeout(deadline) ? 124 : 130;
    } finally {
      live.end();
    }
    const deferred = objects.filter(({ outcome }) => outcome === "deferred");
    if (deferred.length > 0) {
      stderr.write(
        `${count(deferred.length, "object")} still being deleted: apply again once that has ended\n`,
      );
      return 1;
    }
    if (!this.quiet) stderr.write(`${style("dim", "all of it is ready", stderr)}\n`);
    return 0;
  }

  private async working<T>(text: string, work: () => Promise<T>): Promise<T> {
    const live = createLiveLine(this.context.stderr);
    live.say(text);
    try {
      return await work();
    } finally {
      live.end();
    }
  }
}

/** What was declared and is there now; what is kept or goes is not waited for. */
function isToRun({ outcome }: AppliedObject): boolean {
  return outcome === "created" || outcome === "configured" || outcome === "unchanged";
}

function nothingApplied(diagnostics: readonly Diagnostic[]): object {
  return { dryRun: false, rowsWritten: 0, objects: [], diagnostics };
}

/** `--dry-run` alone asks the plane, as that knows most. Throws LEG7001. */
function dryRunOf(given: string | boolean | undefined): DryRun {
  if (given === undefined || given === false || given === "none") return "none";
  if (given === true) return "server";
  const known = dryRuns.find((name) => name === given);
  if (known !== undefined) return known;
  throw new LegionError({
    code: "LEG7001",
    message: `--dry-run does not take "${given}"`,
    hint: "write --dry-run=client or --dry-run=server",
    valid: dryRuns,
  });
}
