import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../lib/clock.ts";
import { createManifestLoader } from "../manifest/loader.ts";
import type { ManifestObject } from "../manifest/objects.ts";
import type { ObjectPlane } from "../reconcile/contract.ts";
import { createObjectPlane } from "../reconcile/plane.ts";
import { type HeldParts, objectsOfOthers } from "../reconcile/source-others.ts";
import type { LoadSource, SourcesDeps } from "../reconcile/sources.ts";
import { createView, type View } from "../reconcile/view.ts";
import { openDatabase } from "../state/database.ts";
import { openSqliteStore } from "../state/sqlite.ts";
import type { ObjectEventRecord } from "../telemetry/events.ts";

/** What a source needs to apply for real: a store on disk, its view, the plane, and a record of its events. */
export interface SourceBed extends AsyncDisposable {
  readonly folder: string;
  readonly deps: SourcesDeps & { readonly plane: ObjectPlane };
  readonly view: View;
  readonly events: readonly (ObjectEventRecord["data"] & { readonly object: string })[];
  /** `Agent/default/a` -> its spec, for all objects. */
  specs(): Promise<Readonly<Record<string, unknown>>>;
}

/** Makes one in a folder of its own, which goes with it. */
export async function sourceBed(): Promise<SourceBed> {
  const stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "legion-source-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const stateFolder = join(folder, "state");
  const clock = systemClock;
  const database = stack.adopt(await openDatabase(stateFolder), (opened) => opened.close());
  const store = openSqliteStore(database, { clock });
  const { lease } = await store.leases.acquire("tested", "test", 60_000);
  const fence = { lease: lease.name, epoch: lease.epoch };
  const following = new AbortController();
  const view = await createView(store, {
    signal: following.signal,
    onError: (error) => {
      throw error;
    },
    place: { cwd: folder },
  });
  stack.defer(async () => {
    following.abort();
    await view.done;
  });
  const events: (ObjectEventRecord["data"] & { object: string })[] = [];
  const deps: SourceBed["deps"] = {
    plane: createObjectPlane({ store, clock, fence, idle: true }),
    ...{ store, view, clock, fence, stateFolder },
    emit: (object, data) => {
      events.push({ object, ...data });
      return "";
    },
    env: process.env,
    cwd: folder,
    createLoad: (source) => createLoad((held) => objectsOfOthers(view, source, held)),
  };
  return {
    ...{ folder, deps, view, events },
    async specs() {
      const objects = await store.list();
      return Object.fromEntries(
        objects.map(({ kind, namespace, name, spec }) => [`${kind}/${namespace}/${name}`, spec]),
      );
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function createLoad(existing: (held?: HeldParts) => readonly ManifestObject[]): LoadSource {
  const loader = createManifestLoader();
  return (inputs, { cwd, change }) =>
    loader.load(inputs, {
      cwd,
      env: {},
      known: change,
      existing: existing(change),
      mayBeEmpty: true,
    });
}

/** A manifest of an agent. */
export function agentText(name: string, description = "An agent.", more = ""): string {
  return `apiVersion: legion.dev/v1
kind: Agent
metadata: { name: ${name} }
spec:
  description: ${description}
  model: cloud/large
${more}`;
}

/** The provider that these agents name. */
export const providerText = `apiVersion: legion.dev/v1
kind: Provider
metadata: { name: cloud }
spec: { wire: openai-chat, baseUrl: "https://models.example.com/v1" }
`;
