import { startTestDaemon, type TestDaemon, type TestDaemonOptions } from "./daemon.ts";
import { type Choose, type HeldModel, startHeldModel } from "./held-model.ts";
import { agentManifest, providerManifest } from "./manifests.ts";

export interface HeldDaemonOptions extends TestDaemonOptions {
  /** Into the spec of agent `a`, which is in `agents.d/a.yaml`; its answers are strings unless told. */
  readonly agent?: Readonly<Record<string, unknown>>;
  readonly reply?: Choose;
}

/** A daemon with an agent `a` whose model holds its answers. */
export interface HeldDaemon extends AsyncDisposable {
  readonly daemon: TestDaemon;
  readonly model: HeldModel;
}

/** Starts both; the provider is in `agents.d/provider.yaml`. */
export async function startHeldDaemon(options: HeldDaemonOptions = {}): Promise<HeldDaemon> {
  await using stack = new AsyncDisposableStack();
  const model = stack.use(await startHeldModel(options.reply));
  const files = {
    "agents.d/provider.yaml": providerManifest(model.url),
    "agents.d/a.yaml": agentManifest("a", options.agent),
    ...options.files,
  };
  const daemon = stack.use(await startTestDaemon({ ...options, files }));
  const owned = stack.move();
  return { daemon, model, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
