import { existsSync } from "node:fs";
import { join } from "node:path";
import { Command, Option } from "clipanion";
import type { Daemon, DaemonOptions } from "../daemon.ts";
import { LegionError, messageOf } from "../lib/errors.ts";
import { formatDuration } from "../lib/quantities.ts";
import { LegionCommand } from "./base-command.ts";
import { positiveDuration } from "./deadline.ts";
import { style } from "./error-text.ts";
import { defaultRoots } from "./manifest-flags.ts";
import { stateFolderOf } from "./plane.ts";
import { parseListen } from "./up-listen.ts";
import { eventLine, readyLines } from "./up-log.ts";

const GRACE_DEFAULT = "30s";
type RenderText = typeof import("../manifest/render.ts").renderText;
const watchMethods = ["events", "poll"] as const;

export class UpCommand extends LegionCommand {
  static override paths = [["up"]];
  static override usage = Command.Usage({
    description: "run the daemon: keep agents as manifests declare them",
    details:
      "Reads the roots (default: agents.d tools.d watchers.d), runs what they declare, follows every change, and serves the API on a unix socket below the state folder. SIGTERM and Ctrl-C drain: turns that run may end within --grace, then exit code 0; the second signal ends at once. SIGHUP reads everything anew. With -o json every event is a JSON line on stdout.",
    examples: [
      ["Run what the working folder declares", "$0 up"],
      ["In a pipeline: not with manifests that are wrong", "$0 up agents.d tools.d --strict"],
      ["In the background", "$0 up --detach"],
      ["Serve the API on TCP too", "$0 up --listen 127.0.0.1:7420"],
    ],
  });

  override output = Option.String("-o,--output", "text", {
    description: "json: every event as a JSON line on stdout",
  });
  roots = Option.Rest({ name: "path" });
  stateDir = Option.String("--state-dir", {
    env: "LEGION_STATE_DIR",
    description: "where state is kept, and the socket; default: .legion",
  });
  listen = Option.String("--listen", {
    description:
      "HOST:PORT to serve the API on as well, with a token; TLS unless it is this machine",
  });
  tokenFile = Option.String("--token-file", {
    env: "LEGION_TOKEN_FILE",
    description: "a file with the token of --listen; default: one is made in the state folder",
  });
  tlsCert = Option.String("--tls-cert", { description: "certificate of --listen, PEM" });
  tlsKey = Option.String("--tls-key", { description: "its private key, PEM" });
  strict = Option.Boolean("--strict", false, {
    description: "apply nothing while a manifest is not valid; at the start: exit code 1",
  });
  watchMethod = Option.String("--watch-method", {
    description: "events or poll: how changes of files are noticed; default: events",
  });
  grace = Option.String("--grace", {
    description: `how long turns may go on when it is to end; default: ${GRACE_DEFAULT}`,
  });
  detach = Option.Boolean("-d,--detach", false, {
    description: "return when it is ready; its log is daemon.log in the state folder",
  });
  quiet = Option.Boolean("-q,--quiet", false, { description: "no line for each event on stderr" });

  protected override formats(): readonly string[] {
    return ["text", "json"];
  }

  async execute(): Promise<number> {
    this.checkOutput();
    if (this.detach) return this.detached();
    const ending = new AbortController();
    const { renderText } = await import("../manifest/render.ts");
    const options = this.options(ending.signal, renderText);
    const daemonOf: { current?: Daemon } = {};
    this.takeSignals(ending, options.graceMs, daemonOf);
    const startedAt = performance.now();
    const { startDaemon } = await import("../daemon.ts");
    const daemon = await startDaemon(options);
    daemonOf.current = daemon;
    const { stderr } = this.context;
    const status = await daemon.status();
    stderr.write(readyLines(status, performance.now() - startedAt, stderr));
    await daemon.done;
    if (!this.quiet) stderr.write("ended\n");
    return 0;
  }

  /** The same words start a process that stays; what they get wrong is found before. */
  private async detached(): Promise<number> {
    const { cwd, env, stderr } = this.context;
    const { renderText } = await import("../manifest/render.ts");
    const { stateFolder } = this.options(this.context.signal, renderText);
    const startedAt = performance.now();
    const { startDetached } = await import("./up-detach.ts");
    const words = [...this.words()];
    const status = await startDetached({ words, cwd, env, stateFolder });
    stderr.write(readyLines(status, performance.now() - startedAt, stderr));
    return 0;
  }

  private *words(): Generator<string> {
    const flags = {
      "--state-dir": this.stateDir,
      "--listen": this.listen,
      "--token-file": this.tokenFile,
      "--tls-cert": this.tlsCert,
      "--tls-key": this.tlsKey,
      "--watch-method": this.watchMethod,
      "--grace": this.grace,
    };
    for (const [flag, value] of Object.entries(flags))
      if (value !== undefined) yield `${flag}=${value}`;
    if (this.strict) yield "--strict";
    yield* this.roots;
  }

  private options(signal: AbortSignal, renderText: RenderText): DaemonOptions {
    const { cwd, env, stderr, stdout } = this.context;
    const { strict, output, quiet } = this;
    const watchMethod = watchMethodOf(this.watchMethod);
    const listen = this.listenOptions();
    return {
      roots: this.rootPaths(),
      cwd,
      env,
      stateFolder: stateFolderOf(this.context, { stateDir: this.stateDir }),
      strict,
      graceMs: positiveDuration("--grace", this.grace ?? GRACE_DEFAULT) ?? 0,
      signal,
      ...(listen !== undefined && { listen }),
      ...(watchMethod !== undefined && { watchMethod }),
      onEvent: (event) => {
        if (output === "json") stdout.write(`${JSON.stringify(event)}\n`);
        const line = quiet ? undefined : eventLine(event, stderr);
        if (line !== undefined) stderr.write(line);
      },
      onDiagnostics: (diagnostics) => {
        stderr.write(
          diagnostics.length === 0
            ? `${style("green", "all manifests are valid", stderr)}\n`
            : renderText(diagnostics, { stream: stderr }),
        );
      },
    };
  }

  /** The roots that were given, or the default ones that are there. A daemon without any has what is applied to it. */
  private rootPaths(): readonly string[] {
    if (this.roots.length > 0) return this.roots;
    const { cwd, stderr } = this.context;
    const roots = defaultRoots.filter((root) => existsSync(join(cwd, root)));
    if (roots.length === 0)
      stderr.write(
        `there is none of ${defaultRoots.join(", ")} here: nothing is read; objects come by legion apply\n`,
      );
    return roots;
  }

  private listenOptions(): DaemonOptions["listen"] {
    const { listen, tokenFile, tlsCert, tlsKey } = this;
    if (listen !== undefined)
      return {
        ...parseListen(listen),
        ...(tokenFile !== undefined && { tokenFile }),
        ...(tlsCert !== undefined && { tlsCert }),
        ...(tlsKey !== undefined && { tlsKey }),
      };
    if (tlsCert === undefined && tlsKey === undefined) return undefined;
    throw new LegionError({
      code: "LEG7001",
      message: "--tls-cert and --tls-key are of --listen",
      hint: "say where to listen, for example --listen 0.0.0.0:7420, or leave them out",
    });
  }

  /** The first signal drains, and SIGHUP reloads; the second one ends the process, which is not for the command to do. */
  private takeSignals(
    ending: AbortController,
    graceMs: number,
    daemonOf: { readonly current?: Daemon },
  ): void {
    const { signal, stderr, takeSignals } = this.context;
    const drain = () => {
      if (ending.signal.aborted) return;
      stderr.write(
        `draining: turns that run have up to ${formatDuration(graceMs)}; a second signal ends at once\n`,
      );
      ending.abort();
    };
    if (signal.aborted) drain();
    signal.addEventListener("abort", drain, { once: true });
    takeSignals?.((name) => {
      if (name !== "SIGHUP") drain();
      else
        daemonOf.current?.reload().catch((error: unknown) => {
          stderr.write(`the manifests could not be read anew: ${messageOf(error)}\n`);
        });
    });
  }
}

function watchMethodOf(given: string | undefined): (typeof watchMethods)[number] | undefined {
  if (given === undefined) return undefined;
  const known = watchMethods.find((name) => name === given);
  if (known !== undefined) return known;
  throw new LegionError({
    code: "LEG7001",
    message: `--watch-method does not take "${given}"`,
    hint: `use one of: ${watchMethods.join(", ")}`,
    valid: watchMethods,
  });
}
