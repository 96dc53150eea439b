import { Command, Option } from "clipanion";
import { LegionError } from "../lib/errors.ts";
import { suggest } from "../lib/suggest.ts";
import { triggerLanguage } from "../trigger/language.ts";
import { differences, replay } from "../watch/cases.ts";
import { readCases, type WatchCase } from "../watch/cases-file.ts";
import { ObjectCommand } from "./plane-command.ts";
import { readGiven, usage } from "./trigger-input.ts";
import { problemData, problemsText } from "./trigger-text.ts";
import {
  type FoundWatcher,
  watcherInFiles,
  watcherInStore,
  watcherTarget,
} from "./trigger-watcher.ts";
import { type CaseResult, caseText, resultOf, totalsText } from "./watch-test-report.ts";

export class WatchTestCommand extends ObjectCommand {
  static override paths = [["watch", "test"]];
  static override usage = Command.Usage({
    description: "run a watcher over the samples of a file, and tell where it differs",
    details:
      "Runs the trigger of a watcher with a clock of its own over the samples of each case; nothing is looked at and nobody is woken. A fire or a recovery that no case expects is a failure, so is one that does not come. Exit code 1 when a case fails.",
    examples: [
      ["A watcher that was applied", "$0 watch test checkout -f checkout.cases.yaml"],
      ["One of manifests", "$0 watch test checkout -f checkout.cases.yaml --manifests watchers.d"],
    ],
  });

  reference = Option.String({ required: false, name: "watcher/NAME" });
  file = Option.String("-f,--file", { description: "the cases: samples and what is expected" });
  manifests = Option.Array("--manifests", [], {
    description: "manifests to find the watcher in, instead of what was applied; may be repeated",
  });
  filter = Option.String("--filter", { description: "only cases whose name has this text in it" });

  async execute(): Promise<number> {
    this.checkOutput();
    const key = watcherTarget(this.reference, this.scope(), "watch test");
    if (this.file === undefined)
      throw usage("legion watch test needs a file of cases", "name one with -f cases.yaml");
    const source = await readGiven(this.file, this.context);
    const found = await this.found(key);
    if (found === undefined) return 1;
    const { stdout, stderr } = this.context;
    const { compileTrigger, rootsOf } = await triggerLanguage.get();
    const { options, spec } = found;
    const { errors, recoveryErrors } = compileTrigger(spec.trigger, options);
    const problems = [...errors, ...recoveryErrors];
    if (problems.length > 0) {
      if (this.output === "text") stderr.write(problemsText(problems, stderr));
      else await this.print({ ok: false, errors: problems.map(problemData) }, "");
      return 1;
    }
    const sampled = { source: spec.type, roots: rootsOf(spec.type, options.schema) };
    const { cases, diagnostics } = await readCases(source, {
      ...sampled,
      interval: spec.interval,
    });
    if (diagnostics.length > 0) {
      const { renderText } = await import("../manifest/render.ts");
      if (this.output === "text") stderr.write(renderText(diagnostics, { stream: stderr }));
      else await this.print({ ok: false, diagnostics }, "");
      return 1;
    }
    const results = this.filtered(cases).map((each): CaseResult => {
      // Every case begins with a machine that has seen nothing.
      const { machine } = compileTrigger(spec.trigger, options);
      if (machine === undefined) throw new Error("the trigger compiled a moment ago");
      const { polls, startMs, expected } = each;
      return resultOf(each, differences(replay(machine, polls, startMs), expected));
    });
    const ok = results.every((result) => result.ok);
    await this.print({ ok, cases: results }, () =>
      [...results.map((result) => caseText(result, stdout)), totalsText(results)].join("\n"),
    );
    return ok ? 0 : 1;
  }

  private async found(key: FoundWatcher["key"]): Promise<FoundWatcher | undefined> {
    if (this.manifests.length > 0) return watcherInFiles(key, this.manifests, this.context);
    await using opened = await this.openPlane("read");
    return await watcherInStore(key, opened);
  }

  private filtered(cases: readonly WatchCase[]): readonly WatchCase[] {
    const { filter } = this;
    if (filter === undefined) return cases;
    const found = cases.filter(({ name }) => name.includes(filter));
    if (found.length > 0) return found;
    const names = cases.map(({ name }) => name);
    const near = suggest(filter, names);
    throw new LegionError({
      code: "LEG7333",
      message: `no case has "${filter}" in its name`,
      hint: near === undefined ? `the cases are: ${names.join("; ")}` : `did you mean "${near}"?`,
      valid: names,
    });
  }
}
