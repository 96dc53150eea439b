import assert from "node:assert/strict";
import { HISTORY_MAX, RESOURCE_BYTES_MAX, RESOURCE_DEPTH_MAX, type StoreChange } from "../store.ts";
import { AT, type ContractCase, everything, found, key, put, write } from "./case.ts";

const status = (name: string, value: number): StoreChange => {
  return { type: "status", key: key(name), status: { value } };
};
const remove = (name: string): StoreChange => ({ type: "delete", key: key(name) });
const finalize = (name: string, finalizer: string): StoreChange => {
  return { type: "finalize", key: key(name), finalizer };
};

/** What writes make of single objects. */
export const objectCases: readonly ContractCase[] = [
  {
    name: "a store begins at version 0 with nothing in it",
    async check({ store }) {
      assert.deepEqual(await everything(store), {
        version: 0,
        resources: [],
        inventories: [],
        histories: [],
      });
      assert.equal(await store.read(key("a")), undefined);
    },
  },
  {
    name: "a put creates an object with an identity, generation 1 and the store's version",
    async check({ store }) {
      const origin = { source: "agents.d", file: "a.yaml", document: 0 };
      const change = put("a", { model: "m" }, { labels: { team: "x" }, origin });
      const { version, events } = await write(store, [change]);
      const resource = await found(store, "a");
      assert.match(resource.uid, /^[0-9A-HJKMNP-TV-Z]{26}$/);
      assert.deepEqual(resource, {
        ...key("a"),
        uid: resource.uid,
        generation: 1,
        resourceVersion: 1,
        labels: { team: "x" },
        annotations: {},
        spec: { model: "m" },
        origin,
        creationTimestamp: new Date(AT).toISOString(),
        finalizers: [],
        ownerReferences: [],
        managers: {},
        status: {},
      });
      assert.equal(version, 1);
      assert.deepEqual(events, [{ version: 1, type: "added", resource }]);
    },
  },
  {
    name: "the generation grows with the spec and with nothing else",
    async check({ store }) {
      const generations: number[] = [];
      const steps: StoreChange[] = [
        put("a", { x: 1 }),
        put("a", { x: 2 }),
        put("a", { x: 2 }, { labels: { l: "1" } }),
        put("a", { x: 2 }, { labels: { l: "1" }, managers: { me: ["/spec/x"] } }),
        status("a", 1),
        put("a", { x: 3 }),
      ];
      for (const step of steps) {
        await write(store, [step]);
        generations.push((await found(store, "a")).generation);
      }
      assert.deepEqual(generations, [1, 2, 2, 2, 2, 3]);
      assert.equal(await store.version(), steps.length);
    },
  },
  {
    name: "an unchanged put, status, inventory, deletion or finalizer writes nothing",
    async check({ store }) {
      const inventory = { keys: [key("a")], digest: "d", attempted: "r" };
      const again: StoreChange[] = [
        put("a", { deep: { list: [1, { b: 2, a: 1 }] } }, { finalizers: ["f"] }),
        status("a", 1),
        { type: "inventory", source: "s", inventory },
        remove("gone"),
        finalize("a", "other"),
        finalize("gone", "f"),
      ];
      await write(store, again);
      const before = await everything(store);
      // The order of keys does not count.
      const turned = put("a", { deep: { list: [1, { a: 1, b: 2 }] } });
      const result = await write(store, [...again, turned]);
      assert.deepEqual(result, { version: before.version, rowsWritten: 0, events: [] });
      assert.deepEqual(await everything(store), before);
    },
  },
  {
    name: "parts that a put leaves out stay, parts that it sends replace",
    async check({ store }) {
      const owner = { ...key("o"), uid: "u" };
      const rest = { finalizers: ["f"], ownerReferences: [owner], managers: { m: ["/spec/x"] } };
      await write(store, [put("a", { x: 1 }, { ...rest, labels: { l: "1" } }), status("a", 1)]);
      await write(store, [put("a", { y: 1 })]);
      const { finalizers, ownerReferences, managers, labels, spec, ...other } = await found(
        store,
        "a",
      );
      assert.deepEqual({ finalizers, ownerReferences, managers }, rest);
      assert.deepEqual([labels, spec, other.status], [{}, { y: 1 }, { value: 1 }]);
    },
  },
  {
    name: "a delete without finalizers removes, and the next object of the name is another one",
    async check({ store }) {
      await write(store, [put("a", { x: 1 }), status("a", 1)]);
      const { uid } = await found(store, "a");
      const { events } = await write(store, [remove("a")]);
      assert.deepEqual(
        events.map(({ type, resource }) => [type, resource.uid, resource.spec]),
        [["deleted", uid, { x: 1 }]],
      );
      assert.equal(await store.read(key("a")), undefined);
      await write(store, [put("a", { x: 2 })]);
      const next = await found(store, "a");
      assert.notEqual(next.uid, uid);
      assert.deepEqual([next.generation, next.status], [1, {}]);
      assert.equal((await store.history(key("a"))).length, 1);
    },
  },
  {
    name: "a delete waits for the finalizers, and the last one removes",
    async check({ store }) {
      await write(store, [put("a", {}, { finalizers: ["drain", "unbind"] })]);
      await write(store, [remove("a")], { at: AT + 1000 });
      const marked = await found(store, "a");
      assert.equal(marked.deletionTimestamp, new Date(AT + 1000).toISOString());
      await write(store, [remove("a")], { at: AT + 2000 });
      assert.deepEqual(await found(store, "a"), marked, "the second delete changes nothing");
      await write(store, [finalize("a", "unbind"), status("a", 1)]);
      assert.deepEqual((await found(store, "a")).finalizers, ["drain"]);
      const { events } = await write(store, [finalize("a", "drain")]);
      assert.deepEqual(
        events.map(({ type }) => type),
        ["deleted"],
      );
      assert.equal(await store.read(key("a")), undefined);
    },
  },
  {
    name: "a finalizer of an object that is not being deleted can go, and the object stays",
    async check({ store }) {
      await write(store, [put("a", {}, { finalizers: ["f"] }), finalize("a", "f")]);
      assert.deepEqual((await found(store, "a")).finalizers, []);
    },
  },
  {
    name: "later changes of a write see the earlier ones, and each object gets one event",
    async check({ store }) {
      await write(store, [put("old", { x: 1 })]);
      const { events, version } = await write(store, [
        put("a", { x: 1 }),
        status("a", 1),
        put("a", { x: 2 }),
        put("brief"),
        remove("brief"),
        remove("old"),
        put("old", { x: 1 }),
      ]);
      assert.deepEqual(
        events.map(({ type, resource: { name, generation } }) => [type, name, generation]),
        [
          ["added", "a", 2],
          ["deleted", "old", 1],
          ["added", "old", 1],
        ],
      );
      assert.equal(version, 4);
      assert.deepEqual((await found(store, "a")).status, { value: 1 });
    },
  },
  {
    name: "a write that comes back to where it began writes nothing",
    async check({ store }) {
      await write(store, [put("a", {}, { labels: { l: "1" } })]);
      const back = [put("a"), put("a", {}, { labels: { l: "1" } })];
      assert.equal((await write(store, [...back, put("brief"), remove("brief")])).rowsWritten, 0);
      assert.equal(await store.version(), 1);
    },
  },
  {
    name: "an object that goes, comes and goes in one write is the one that was there",
    async check({ store }) {
      await write(store, [put("a", { x: 1 })]);
      const { uid } = await found(store, "a");
      const { events } = await write(store, [remove("a"), put("a", { x: 2 }), remove("a")]);
      assert.deepEqual(
        events.map(({ type, resource }) => [type, resource.uid, resource.spec]),
        [["deleted", uid, { x: 1 }]],
      );
    },
  },
  {
    name: "the history has the last specs with generation, time and manager, newest first",
    async check({ store }) {
      for (let x = 1; x <= HISTORY_MAX + 2; x += 1) {
        const more = { manager: `m${x}`, labels: { x: `${x}` } };
        await write(store, [put("a", { x }, more), status("a", x)], { at: AT + x });
      }
      const newest = HISTORY_MAX + 2;
      assert.deepEqual(
        await store.history(key("a")),
        Array.from({ length: HISTORY_MAX }, (_, back) => ({
          generation: newest - back,
          at: new Date(AT + newest - back).toISOString(),
          manager: `m${newest - back}`,
          spec: { x: newest - back },
        })),
      );
      await write(store, [remove("a")]);
      assert.deepEqual(await store.history(key("a")), []);
    },
  },
  {
    name: "what a caller changes later, or in what it read, does not change the store",
    async check({ store }) {
      const spec = { list: [1] };
      await write(store, [put("a", spec)]);
      spec.list.push(2);
      const read = (await found(store, "a")).spec as { list: number[] };
      try {
        read.list.push(3);
      } catch (error) {
        assert.ok(error instanceof TypeError, "or it is frozen");
      }
      assert.deepEqual((await found(store, "a")).spec, { list: [1] });
    },
  },
  {
    name: "keys that JavaScript gives a meaning are data",
    async check({ store }) {
      const spec = JSON.parse('{"__proto__":{"x":1},"constructor":2,"toString":{}}');
      await write(store, [put("a", spec)]);
      assert.equal(JSON.stringify((await found(store, "a")).spec), JSON.stringify(spec));
      assert.equal((await write(store, [put("a", spec)])).rowsWritten, 0);
    },
  },
  {
    name: "an object or a status that is too large or too deep is refused",
    async check({ store }) {
      let deep = {};
      for (let level = 0; level < 100 * RESOURCE_DEPTH_MAX; level += 1) deep = { deep };
      const large = { text: "x".repeat(RESOURCE_BYTES_MAX) };
      await write(store, [put("a")]);
      for (const value of [deep, large]) {
        const change: StoreChange = { type: "status", key: key("a"), status: value };
        await assert.rejects(write(store, [put("b", value)]), { code: "LEG6025" });
        await assert.rejects(write(store, [change]), { code: "LEG6025" });
      }
      assert.equal(await store.version(), 1);
    },
  },
];
