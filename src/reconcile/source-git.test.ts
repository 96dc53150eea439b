// Goal: a commit of a repository is one transaction; what cannot be trusted or is not valid changes nothing, and the status says so.
// Method: real bare repositories, the real loader, plane and store; the source is asked to read when a test has pushed.
import assert from "node:assert/strict";
import { readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { createRepository, type TestRepository } from "../testing/git-repository.ts";
import { agentText, providerText, type SourceBed, sourceBed } from "../testing/source.ts";
import { sourceReconciler } from "./source.ts";
import { createSources } from "./sources.ts";

async function follow(bed: SourceBed, origin: TestRepository, spec: object = {}) {
  const { deps } = bed;
  const sources = createSources(deps);
  const defaults = { type: "git", url: origin.url, subfolder: ".", interval: "1h", prune: true };
  const source = {
    ...{ kind: "Source", namespace: "default", name: "team", labels: {}, annotations: {} },
    spec: { ...defaults, timeout: "1m", suspend: false, ...spec },
    complete: { ...defaults, timeout: "1m", suspend: false, ...spec },
  };
  await deps.plane.apply({ objects: [source], source: "test", manager: "test", digest: "1" });
  const resource = await deps.store.read(source);
  assert.ok(resource);
  const runner = await sources.ensure(resource, () => {});
  assert.ok(runner);
  await runner.first;
  return { ...runner, status: runner.status, close: sources.close, ensure: sources.ensure };
}

async function withRepository(work: (bed: SourceBed, origin: TestRepository) => Promise<void>) {
  await using bed = await sourceBed();
  await work(bed, await createRepository(bed.folder));
}

const named = (specs: object) => Object.keys(specs).filter((key) => !key.startsWith("Source/"));

test("a commit is applied whole, the next one too, and what it dropped is pruned", () =>
  withRepository(async (bed, origin) => {
    const first = await origin.commit({
      "agents/a.yaml": agentText("a"),
      "agents/b.yaml": agentText("b"),
      "models.yaml": providerText,
    });
    const runner = await follow(bed, origin);
    assert.deepEqual(named(await bed.specs()), [
      "Agent/default/a",
      "Agent/default/b",
      "Provider/default/cloud",
    ]);
    const { applied, attempted, objects } = runner.status();
    assert.deepEqual(
      { applied, attempted, objects },
      { applied: first, attempted: first, objects: 3 },
    );
    const second = await origin.commit({
      "agents/a.yaml": agentText("a", "Changed."),
      "agents/b.yaml": undefined,
    });
    await runner.reload();
    const specs = await bed.specs();
    assert.deepEqual(named(specs), ["Agent/default/a", "Provider/default/cloud"]);
    assert.match(JSON.stringify(specs["Agent/default/a"]), /Changed\./);
    assert.equal((await bed.deps.store.inventory("source/team"))?.applied, second);
    const { version } = await bed.deps.plane.apply({
      ...{ objects: [], source: "other", manager: "other", digest: "" },
    });
    await runner.reload();
    assert.equal(await bed.deps.store.version(), version, "a second look writes nothing");
    await runner.close();
  }));

test("a commit with one invalid manifest changes nothing, and the next valid one is taken", () =>
  withRepository(async (bed, origin) => {
    const good = await origin.commit({ "a.yaml": agentText("a"), "models.yaml": providerText });
    const runner = await follow(bed, origin);
    const bad = await origin.commit({
      "a.yaml": agentText("a", "Changed."),
      "b.yaml": agentText("b", "New.", "  modle: x\n"),
    });
    await runner.reload();
    const { applied, attempted, error, diagnostics } = runner.status();
    assert.deepEqual(
      { applied, attempted, code: error?.code },
      { applied: good, attempted: bad, code: "LEG6054" },
    );
    assert.equal(diagnostics[0]?.range?.filename, "b.yaml", "as the repository names it");
    assert.match(error?.message ?? "", /: b\.yaml:7:3: LEG1007: unknown field/);
    assert.match(JSON.stringify(await bed.specs()), /An agent\./);
    await origin.commit({ "b.yaml": agentText("b") });
    await runner.reload();
    assert.equal(runner.status().error, undefined);
    assert.deepEqual(named(await bed.specs()), [
      "Agent/default/a",
      "Agent/default/b",
      "Provider/default/cloud",
    ]);
    await runner.close();
  }));

test("S54: unsigned, foreign and replayed commits are not applied, and the last good one stays", () =>
  withRepository(async (bed, origin) => {
    const files = { "a.yaml": agentText("a"), "models.yaml": providerText };
    const first = await origin.commit(files, { signed: true });
    const verify = { mode: "commit", allowedSigners: origin.allowedSigners };
    const runner = await follow(bed, origin, { verify });
    assert.equal(runner.status().applied, first);
    for (const signed of [false, "stranger"] as const) {
      await origin.commit({ "a.yaml": agentText("a", `By ${signed}.`) }, { signed });
      await runner.reload();
      assert.equal(runner.status().error?.code, "LEG6052");
      assert.equal(runner.status().applied, first);
      assert.match(JSON.stringify(await bed.specs()), /An agent\./);
    }
    const second = await origin.commit({ "a.yaml": agentText("a", "Signed.") }, { signed: true });
    await runner.reload();
    assert.equal(runner.status().applied, second);
    await origin.git("push", "--quiet", "--force", "origin", `${first}:main`);
    await runner.reload();
    assert.equal(runner.status().error?.code, "LEG6053", "an older one, well signed");
    assert.match(JSON.stringify(await bed.specs()), /Signed\./);
    await runner.close();
  }));

test("S54: what was applied before signatures were asked for is held against them too", () =>
  withRepository(async (bed, origin) => {
    await origin.commit({ "a.yaml": agentText("a"), "models.yaml": providerText });
    await (await follow(bed, origin)).close();
    const verify = { mode: "commit", allowedSigners: origin.allowedSigners };
    const runner = await follow(bed, origin, { verify });
    assert.equal(runner.status().error?.code, "LEG6052");
    await runner.close();
  }));

test("S53: a subfolder that is a link out of the repository opens nothing of this machine", () =>
  withRepository(async (bed, origin) => {
    await writeFile(join(bed.folder, "state", "token"), "topsecret\n");
    const more = "  instructionsFrom: { file: ../../../../token }\n";
    await symlink("../../..", join(origin.workTree, "team"));
    await origin.commit({
      "m/a.yaml": agentText("a", "An agent.", more),
      "m/b.yaml": providerText,
    });
    const runner = await follow(bed, origin, { subfolder: "team" });
    assert.match(runner.status().error?.message ?? "", /^spec\.subfolder team leads out/);
    assert.deepEqual(named(await bed.specs()), []);
    await runner.close();
  }));

test("R45: a daemon that drains fetches nothing more, whoever looks at its Sources", () =>
  withRepository(async (bed, origin) => {
    const first = await origin.commit({ "a.yaml": agentText("a"), "models.yaml": providerText });
    const runner = await follow(bed, origin);
    await runner.close();
    await origin.commit({ "a.yaml": agentText("a", "Changed.") });
    const resource = bed.view.get({ kind: "Source", namespace: "default", name: "team" });
    assert.ok(resource);
    const again = await runner.ensure(resource, () => {});
    await again?.first;
    assert.equal(again?.status().applied, first);
    const next = { ...resource, generation: resource.generation + 1 };
    assert.equal(await runner.ensure(next, () => {}), undefined);
    assert.match(JSON.stringify(await bed.specs()), /An agent\./);
  }));

test("a Source that is deleted takes along what it brought, and forgets it", () =>
  withRepository(async (bed, origin) => {
    await origin.commit({ "a.yaml": agentText("a"), "models.yaml": providerText });
    await (await follow(bed, origin)).close();
    const { deps, view } = bed;
    const resource = view.get({ kind: "Source", namespace: "default", name: "team" });
    assert.ok(resource && (await deps.store.inventory("source/team")));
    const context = { view, signal: AbortSignal.abort(), requeue: () => {}, emit: () => {} };
    const reconciler = sourceReconciler({ ...deps, sources: createSources(deps) });
    assert.equal(await reconciler.finalize?.(resource, context), "done");
    assert.deepEqual(named(await bed.specs()), []);
    assert.equal(await deps.store.inventory("source/team"), undefined);
  }));

test("a repository that is away keeps what was applied, and a subfolder is all that counts", () =>
  withRepository(async (bed, origin) => {
    await origin.commit({
      "team/a.yaml": agentText("a"),
      "team/models.yaml": providerText,
      "elsewhere/b.yaml": agentText("b"),
    });
    const runner = await follow(bed, origin, { subfolder: "team", ref: { branch: "main" } });
    assert.deepEqual(named(await bed.specs()), ["Agent/default/a", "Provider/default/cloud"]);
    await runner.close();
    const gone = await follow(bed, { ...origin, url: join(bed.folder, "nowhere.git") });
    assert.equal(gone.status().error?.code, "LEG6050");
    assert.deepEqual(named(await bed.specs()), ["Agent/default/a", "Provider/default/cloud"]);
    await gone.close();
  }));

test("a file that a commit empties keeps what it declared, and a subfolder that is gone is told as that", () =>
  withRepository(async (bed, origin) => {
    const files = { "team/a.yaml": agentText("a"), "team/models.yaml": providerText };
    await origin.commit(files);
    const runner = await follow(bed, origin, { subfolder: "team" });
    const second = await origin.commit({ "team/a.yaml": "# later\n" });
    await runner.reload();
    const { applied, error, diagnostics } = runner.status();
    assert.deepEqual({ applied, error }, { applied: second, error: undefined });
    assert.match(diagnostics[0]?.summary ?? "", /what it declared stays: agent\/a$/);
    assert.deepEqual(named(await bed.specs()), ["Agent/default/a", "Provider/default/cloud"]);
    await origin.commit({ "team/a.yaml": undefined, "team/models.yaml": undefined, "x.md": "x" });
    await runner.reload();
    assert.match(runner.status().error?.message ?? "", /has no folder team \(spec\.subfolder\)/);
    assert.deepEqual(named(await bed.specs()), ["Agent/default/a", "Provider/default/cloud"]);
    await runner.close();
  }));

test("files that objects name are reached by a path that outlives the commit; old checkouts go", () =>
  withRepository(async (bed, origin) => {
    const tool = `apiVersion: legion.dev/v1
kind: Tool
metadata: { name: greet }
spec:
  type: module
  description: Greets.
  module: greet.ts
  functions: { greet: { description: Greets., parameters: { type: object } } }
`;
    const greet = (word: string) => `export const greet = () => "${word}";\n`;
    await origin.commit({ "tool.yaml": tool, "greet.ts": greet("one") });
    const runner = await follow(bed, origin);
    const file = () => {
      const path = bed.view.get({ kind: "Tool", namespace: "default", name: "greet" })?.origin
        ?.file;
      return join(path ?? "", "..", "greet.ts");
    };
    const generation = () =>
      bed.view.get({ kind: "Tool", namespace: "default", name: "greet" })?.generation;
    assert.equal(await readFile(file(), "utf8"), greet("one"));
    assert.equal(generation(), 1);
    for (const word of ["two", "three", "four", "five"]) {
      await origin.commit({ "greet.ts": greet(word) });
      await runner.reload();
      assert.equal(await readFile(file(), "utf8"), greet(word));
    }
    assert.equal(generation(), 5, "the content of a named file counts");
    const uid = bed.view.get({ kind: "Source", namespace: "default", name: "team" })?.uid ?? "";
    const left = await readdir(join(bed.folder, "state", "sources", uid));
    assert.equal(left.filter((name) => /^[0-9a-f]{40}$/.test(name)).length, 3);
    await runner.close();
  }));
