import assert from "node:assert/strict";
import { CHANGES_PER_WRITE_MAX, INVENTORY_KEYS_MAX, type StoreChange } from "../store.ts";
import { ConflictError } from "../store-errors.ts";
import { type ContractCase, everything, found, key, put, write } from "./case.ts";

const names = (resources: readonly { readonly name: string }[]) =>
  resources.map(({ name }) => name);

/** What holds for several objects: lists, all or nothing, owners, inventories. */
export const setCases: readonly ContractCase[] = [
  {
    name: "a list is sorted by kind, namespace and name, and can be narrowed by each",
    async check({ store }) {
      const keys = [
        key("b"),
        key("a", "Tool"),
        key("c", "Agent", "team"),
        key("a"),
        key("b", "Tool", "team"),
      ];
      await write(
        store,
        keys.map((each) => put("", {}, { key: each })),
      );
      const shown = async (options: Parameters<typeof store.list>[0]) =>
        (await store.list(options)).map(({ kind, namespace, name }) =>
          [kind, namespace, name].join(" "),
        );
      const [a, b, c, toolA, toolB] = [
        "Agent default a",
        "Agent default b",
        "Agent team c",
        "Tool default a",
        "Tool team b",
      ];
      assert.deepEqual(await shown(undefined), [a, b, c, toolA, toolB]);
      assert.deepEqual(await shown({ kind: "Agent" }), [a, b, c]);
      assert.deepEqual(await shown({ namespace: "team" }), [c, toolB]);
      assert.deepEqual(await shown({ kind: "Tool", namespace: "team" }), [toolB]);
      assert.deepEqual(await shown({ kind: "Cron" }), []);
    },
  },
  {
    name: "a list can be narrowed by labels",
    async check({ store }) {
      const labels: Record<string, Record<string, string>> = {
        a: { tier: "web", team: "x" },
        b: { tier: "db" },
        c: {},
      };
      await write(
        store,
        Object.entries(labels).map(([name, each]) => put(name, {}, { labels: each })),
      );
      const rows = [
        [[{ label: "tier", operator: "in", values: ["web", "cache"] }], ["a"]],
        [[{ label: "tier", operator: "notIn", values: ["web"] }], ["b", "c"]],
        [[{ label: "tier", operator: "exists" }], ["a", "b"]],
        [[{ label: "tier", operator: "absent" }], ["c"]],
        [[{ label: "toString", operator: "exists" }], []],
        [
          [
            { label: "tier", operator: "exists" },
            { label: "team", operator: "absent" },
          ],
          ["b"],
        ],
        [[], ["a", "b", "c"]],
      ] as const;
      for (const [selector, want] of rows) {
        assert.deepEqual(names(await store.list({ labels: selector })), want);
      }
    },
  },
  {
    name: "a conflict writes nothing and names everything that moved",
    async check({ store }) {
      await write(store, [put("a"), put("held", {}, { finalizers: ["f"] })]);
      await write(store, [{ type: "delete", key: key("held") }]);
      const before = await everything(store);
      const changes: StoreChange[] = [
        put("new"),
        put("a", { x: 1 }, { expect: 9 }),
        put("a", { x: 1 }, { expect: "absent" }),
        put("missing", {}, { expect: 1 }),
        put("held", { x: 1 }),
        { type: "status", key: key("missing"), status: {} },
        { type: "delete", key: key("a"), expect: 7 },
      ];
      await assert.rejects(write(store, changes), (error: unknown) => {
        assert.ok(error instanceof ConflictError);
        assert.deepEqual([error.code, error.exitCode], ["LEG6021", 3]);
        assert.match(error.message, /^Agent\/default\/a moved: it is at version 1, not 9; /);
        assert.deepEqual(
          error.conflicts.map(({ key: { name }, reason, actual }) => [name, reason, actual]),
          [
            ["a", "moved", 1],
            ["a", "exists", 1],
            ["missing", "absent", undefined],
            ["held", "deleting", 3],
            ["missing", "absent", undefined],
            ["a", "moved", 1],
          ],
        );
        return true;
      });
      assert.deepEqual(await everything(store), before);
    },
  },
  {
    name: "a write whose expectations hold succeeds",
    async check({ store }) {
      await write(store, [put("a", {}, { expect: "absent" }), put("b")]);
      const { resourceVersion } = await found(store, "a");
      await write(store, [
        put("a", { x: 1 }, { expect: resourceVersion }),
        { type: "status", key: key("a"), status: { ok: true }, expect: resourceVersion },
        { type: "delete", key: key("b"), expect: 2 },
      ]);
      assert.deepEqual(names(await store.list()), ["a"]);
    },
  },
  {
    name: "an object is an orphan when none of its owners is left",
    async check({ store }) {
      await write(store, [put("one"), put("two")]);
      const owners = [await found(store, "one"), await found(store, "two")].map(
        ({ kind, namespace, name, uid }) => ({ kind, namespace, name, uid }),
      );
      await write(store, [
        put("child", {}, { ownerReferences: owners }),
        put("dying", {}, { ownerReferences: owners.slice(0, 1), finalizers: ["f"] }),
        put("free"),
      ]);
      assert.deepEqual(await store.orphans(), []);
      await write(store, [{ type: "delete", key: key("one") }]);
      assert.deepEqual(names(await store.orphans()), ["dying"]);
      await write(store, [
        { type: "delete", key: key("two") },
        { type: "delete", key: key("dying") },
      ]);
      assert.deepEqual(names(await store.orphans()), ["child"], "the dying one is on its way");
      // Another object of the owner's name is another owner.
      await write(store, [put("one"), put("two")]);
      assert.deepEqual(names(await store.orphans()), ["child"]);
    },
  },
  {
    name: "an inventory is kept for each source, changes alone, and can be forgotten",
    async check({ store }) {
      const first = { keys: [key("a"), key("b", "Tool")], digest: "1", attempted: "r1" };
      const second = { ...first, digest: "2", applied: "r1", attempted: "r2" };
      await write(store, [
        { type: "inventory", source: "git", inventory: first },
        { type: "inventory", source: "agents.d", inventory: first },
      ]);
      const { rowsWritten } = await write(store, [
        { type: "inventory", source: "git", inventory: second },
        { type: "inventory", source: "agents.d", inventory: first },
      ]);
      assert.equal(rowsWritten, 1);
      assert.deepEqual(await store.inventory("git"), { source: "git", ...second });
      assert.deepEqual(
        (await store.inventories()).map(({ source }) => source),
        ["agents.d", "git"],
      );
      await write(store, [{ type: "inventory", source: "git" }]);
      assert.equal(await store.inventory("git"), undefined);
      assert.equal(await store.version(), 0, "no object changed");
    },
  },
  {
    name: "a write or an inventory above the limits is refused",
    async check({ store }) {
      const many = Array.from({ length: CHANGES_PER_WRITE_MAX + 1 }, (_, at) => put(`a${at}`));
      const keys = Array.from({ length: INVENTORY_KEYS_MAX + 1 }, () => key("a"));
      const inventory = { keys, digest: "", attempted: "" };
      await assert.rejects(write(store, many), { code: "LEG6025" });
      await assert.rejects(write(store, [{ type: "inventory", source: "s", inventory }]), {
        code: "LEG6025",
      });
      assert.equal(await store.version(), 0);
    },
  },
  {
    name: "what a source settled stands until something other than a status of it is written",
    async check({ store }) {
      const settle = (request: string) => ({ type: "settled", source: "s", request }) as const;
      const unmoved = async (request: string, source = "s") =>
        (await store.unmoved(source, request))
          .map(
            ({ name, generation, resourceVersion }) => `${name} ${generation} ${resourceVersion}`,
          )
          .toSorted();
      const { rowsWritten } = await write(store, [put("a"), put("b"), put("c"), settle("one")]);
      // An event, an object and a record each, and what is settled.
      assert.equal(rowsWritten, 3 * 3 + 1);
      assert.deepEqual(await unmoved("one"), ["a 1 1", "b 1 2", "c 1 3"]);
      assert.deepEqual([await unmoved("two"), await unmoved("one", "t")], [[], []]);
      // What changes nothing else does not settle anything.
      const same = await write(store, [put("a"), settle("two")]);
      assert.deepEqual([same.rowsWritten, await unmoved("two")], [0, []]);
      await write(store, [{ type: "status", key: key("a"), status: { ready: true } }]);
      assert.deepEqual(await unmoved("one"), ["a 1 4", "b 1 2", "c 1 3"]);
      await write(store, [put("b", {}, { labels: { x: "y" } })]);
      await write(store, [{ type: "delete", key: key("c") }]);
      await write(store, [put("c"), { type: "status", key: key("c"), status: { ready: true } }]);
      await write(store, [put("d")]);
      assert.deepEqual(await unmoved("one"), ["a 1 4"]);
      await write(store, [put("a", { x: 1 }), settle("two")]);
      assert.deepEqual(await unmoved("one"), []);
      const all = (await store.list()).map(
        ({ name, generation, resourceVersion }) => `${name} ${generation} ${resourceVersion}`,
      );
      assert.deepEqual(await unmoved("two"), all);
    },
  },
];
