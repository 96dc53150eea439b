import { resolve } from "node:path";
import { Command, Option } from "clipanion";
import type { TurnResult } from "../agent/contract.ts";
import { LegionError } from "../lib/errors.ts";
import { suggest } from "../lib/suggest.ts";
import { LegionCommand } from "./base-command.ts";
import { limited, positiveDuration } from "./deadline.ts";
import { loadOrReport, SET_DESCRIPTION } from "./manifest-flags.ts";
import { createProgress } from "./progress.ts";
import { fullTask } from "./task-input.ts";
import { answerText, turnExitCode, turnNotes } from "./turn-report.ts";

const runnable = ["agent"] as const;

export class RunCommand extends LegionCommand {
  static override paths = [["run"]];
  static override usage = Command.Usage({
    description: "run an agent once: the answer on stdout, the rest on stderr",
    details:
      "Loads the manifests, runs the agent on the task until it answers or gives up, and ends. Exit code 0: it answered; 1: it did not; 124: out of time; 130: interrupted. A task of - is read from stdin.",
    examples: [
      ["Ask the starter agent", "$0 run agent/assistant 'What time is it in Oslo?'"],
      [
        "Audit the licences of this project, as one JSON object",
        "$0 run agent/license-auditor -f fixtures/quickstart -o json",
      ],
      ["The same by another model", "$0 run agent/assistant --model openai/gpt-5-mini"],
      [
        "Take the task from a file and give it a minute",
        "$0 run agent/assistant - --timeout 60s < task.md",
      ],
    ],
  });

  reference = Option.String({ required: false, name: "agent/NAME" });
  task = Option.String({ required: false, name: "task" });
  file = Option.Array("-f,--file", [], {
    description:
      "file or folder with manifests, or - for stdin; may be repeated; default: agents.d tools.d watchers.d",
  });
  set = Option.Array("--set", [], { description: SET_DESCRIPTION });
  input = Option.Array("--input", [], {
    description: "name=value that is given to the agent with the task; may be repeated",
  });
  model = Option.String("-m,--model", {
    description: "a router, an alias or provider/model, in place of the agent's own",
  });
  timeout = Option.String("--timeout", {
    description: "the most time of the run, for example 60s",
  });
  stateDir = Option.String("--state-dir", {
    env: "LEGION_STATE_DIR",
    description: "where state is kept; default: .legion",
  });
  verbose = Option.Boolean("-v,--verbose", false, {
    description: "print what the model writes and what it gets back, on stderr",
  });
  quiet = Option.Boolean("-q,--quiet", false, { description: "no progress on stderr" });

  async execute(): Promise<number> {
    this.checkOutput();
    const { cwd, env, stderr } = this.context;
    const name = agentName(this.reference);
    const signal = this.deadline();
    const task = (await fullTask(this.context, this)) || "Begin.";
    const manifests = await loadOrReport(this.file, this.context, { sets: this.set });
    if (manifests === undefined) return 1;
    const progress = createProgress(stderr, { isVerbose: this.verbose });
    const { createRuntime } = await import("../runtime.ts");
    await using runtime = createRuntime({
      manifests,
      env,
      cwd,
      stateFolder: resolve(cwd, this.stateDir ?? ".legion"),
      onEvent: this.quiet ? () => {} : progress.onEvent,
    });
    try {
      const result = await runtime.runAgent(name, {
        task,
        signal,
        ...(this.model !== undefined && { model: this.model }),
      });
      progress.end();
      return await this.report(result);
    } finally {
      progress.end();
    }
  }

  /** Aborted by a signal of the process or at --timeout, which counts from now. */
  private deadline(): AbortSignal {
    return limited(this.context.signal, positiveDuration("--timeout", this.timeout));
  }

  private async report(result: TurnResult): Promise<number> {
    const { stdout, stderr } = this.context;
    if (result.status === "ok") await this.print(result, answerText(result, stdout));
    else if (this.output !== "text") await this.print(result, "");
    stderr.write(turnNotes(result, stderr, this.quiet));
    return turnExitCode(result);
  }
}

/** `agent/assistant` -> `assistant`. */
function agentName(reference: string | undefined): string {
  const [kind = "", name = "", ...rest] = (reference ?? "").split("/");
  if (runnable.some((known) => known === kind.toLowerCase()) && name !== "" && rest.length === 0)
    return name;
  const near = reference?.includes("/") === false ? runnable[0] : suggest(kind, runnable);
  throw new LegionError({
    code: "LEG7002",
    message:
      reference === undefined
        ? "legion run needs to know what to run"
        : `"${reference}" is not something to run`,
    hint:
      near !== undefined
        ? `did you mean "${near}/${name || kind}"?`
        : "write agent/NAME, for example: legion run agent/assistant 'Hello'",
    valid: runnable.map((known) => `${known}/NAME`),
  });
}
