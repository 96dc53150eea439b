import { resolve } from "node:path";
import { Command, Option } from "clipanion";
import type { TurnResult } from "../agent/contract.ts";
import { LegionError } from "../lib/errors.ts";
import { formatDuration, parseDuration } from "../lib/quantities.ts";
import { suggest } from "../lib/suggest.ts";
import { count, forTerminal } from "../lib/text.ts";
import { LegionCommand } from "./base-command.ts";
import { renderError, style } from "./error-text.ts";
import { loadOrReport, readAll } from "./manifest-flags.ts";
import { createProgress } from "./progress.ts";

const runnable = ["agent"] as const;
/** The longest that a timer can wait. */
const TIMER_MS_MAX = 2 ** 31 - 1;

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
      [
        "The same by another model",
        "$0 run agent/license-auditor -f fixtures/quickstart --model openai/gpt-5-mini",
      ],
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
    const task = await this.fullTask();
    const manifests = await loadOrReport(this.file, this.context);
    if (manifests === undefined) return 1;
    const progress = createProgress(stderr, { isVerbose: this.verbose });
    const { createRuntime } = await import("../daemon.ts");
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
    if (this.timeout === undefined) return this.context.signal;
    const timeoutMs = parseDuration(this.timeout);
    if (timeoutMs === undefined || timeoutMs === 0) {
      throw new LegionError({
        code: "LEG7001",
        message: `--timeout does not take "${this.timeout}"`,
        hint: "write a number above 0 and a unit: 500ms, 60s, 5m",
      });
    }
    return limited(this.context.signal, timeoutMs);
  }

  private async fullTask(): Promise<string> {
    if (this.task === "-" && this.file.includes("-")) {
      throw new LegionError({
        code: "LEG7001",
        message: "the manifests and the task cannot both be read from stdin",
        hint: "put one of them into a file",
      });
    }
    const task = this.task === "-" ? await readAll(this.context) : (this.task ?? "");
    const inputs = Object.fromEntries(this.input.map(nameAndValue));
    const given =
      this.input.length === 0
        ? ""
        : `Inputs:\n\`\`\`json\n${JSON.stringify(inputs, null, 2)}\n\`\`\``;
    return [task, given].filter((part) => part !== "").join("\n\n") || "Begin.";
  }

  private async report(result: TurnResult): Promise<number> {
    const { stderr } = this.context;
    if (result.status === "ok") {
      const { value } = result;
      const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
      await this.print(result, isTerminal(this.context.stdout) ? forTerminal(text) : text);
      if (!this.quiet) stderr.write(`${style("dim", summary(result), stderr)}\n`);
      return 0;
    }
    if (this.output !== "text") await this.print(result, "");
    stderr.write(renderError(result.error, stderr));
    const { lastError } = result;
    if (lastError !== undefined) {
      stderr.write(`  the last error: legion explain ${lastError.code}\n`);
    }
    if (!this.quiet) stderr.write(`${style("dim", summary(result), stderr)}\n`);
    return result.reason === "timeout" ? 124 : result.reason === "interrupted" ? 130 : 1;
  }
}

function isTerminal(stream: NodeJS.WritableStream & { readonly isTTY?: boolean }): boolean {
  return stream.isTTY === true;
}

/** The signal, aborted with a TimeoutError too. Not AbortSignal.timeout: nothing keeps one alive that is only a part of another. */
function limited(signal: AbortSignal, timeoutMs: number): AbortSignal {
  const controller = new AbortController();
  const expire = () => controller.abort(new DOMException("--timeout is over", "TimeoutError"));
  setTimeout(expire, Math.min(timeoutMs, TIMER_MS_MAX)).unref();
  signal.addEventListener("abort", () => controller.abort(signal.reason), { once: true });
  return controller.signal;
}

function summary({ status, iterations, toolCalls, usage, durationMs }: TurnResult): string {
  const tokens = (usage.inputTokens + usage.outputTokens).toLocaleString("en");
  const end = status === "ok" ? "done" : "gave up";
  return `${end}: ${count(iterations, "step")}, ${count(toolCalls, "tool call")}, ${tokens} tokens, ${formatDuration(durationMs)}`;
}

function nameAndValue(input: string): [name: string, value: string] {
  const at = input.indexOf("=");
  if (at > 0) return [input.slice(0, at), input.slice(at + 1)];
  throw new LegionError({
    code: "LEG7001",
    message: `--input does not take "${input}"`,
    hint: "write name=value",
  });
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
