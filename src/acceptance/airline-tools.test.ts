// Goal: the tools of fixtures/airline follow the rules of the desk where no recorded conversation goes, do a change once however often
// the call is made, and keep each world to itself; and the demonstration runs.
// Method: the tools over a store with two invented customers and a few flights; the demonstration through the runtime.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { systemClock } from "../lib/clock.ts";
import type { Json, JsonObject } from "../lib/json.ts";
import { loadManifests } from "../manifest/load.ts";
import type { ManifestSet } from "../manifest/objects.ts";
import { createRuntime } from "../runtime.ts";
import { createSandboxPool } from "../sandbox/pool.ts";
import { openDatabase } from "../state/database.ts";
import { type KeyValue, openKeyValue } from "../state/key-value.ts";
import { repository } from "../testing/command.ts";
import type { Toolbox } from "../tools/contract.ts";
import { createToolbox } from "../tools/registry.ts";
import { type AirlineData, loadAirline } from "./airline-data.ts";

const seats = (economy: number, business: number) => ({ basic_economy: 1, economy, business });
const day = (economy: number, price: number) => ({
  status: "available",
  available_seats: seats(economy, 0),
  prices: { basic_economy: price - 10, economy: price, business: price * 3 },
});
const flight = (
  flight_number: string,
  [origin, destination]: readonly [string, string],
  [departure, arrival]: readonly [string, string],
  dates: JsonObject,
): JsonObject => ({
  ...{ flight_number, origin, destination },
  scheduled_departure_time_est: departure,
  scheduled_arrival_time_est: arrival,
  dates,
});

const data: AirlineData = {
  users: {
    ada: {
      name: { first_name: "Ada", last_name: "Low" },
      payment_methods: {
        card: { source: "credit_card", id: "card" },
        gift: { source: "gift_card", amount: 300, id: "gift" },
        voucher: { source: "certificate", amount: 100, id: "voucher" },
      },
      reservations: ["OLD001"],
    },
  },
  reservations: {
    OLD001: {
      ...{ reservation_id: "OLD001", user_id: "ada", origin: "JFK", destination: "SEA" },
      ...{ flight_type: "one_way", cabin: "economy" },
      flights: [
        {
          flight_number: "HAT001",
          date: "2024-05-20",
          price: 80,
          origin: "JFK",
          destination: "SEA",
        },
      ],
      passengers: [{ first_name: "Ada", last_name: "Low", dob: "1990-01-01" }],
      payment_history: [{ payment_id: "card", amount: 80 }],
      ...{ created_at: "2024-05-01T00:00:00", total_baggages: 1, nonfree_baggages: 0 },
      insurance: "no",
    },
  },
  flights: {
    HAT001: flight("HAT001", ["JFK", "SEA"], ["06:00:00", "12:00:00"], {
      "2024-05-20": day(2, 100),
      "2024-05-21": { status: "cancelled" },
    }),
    HAT002: flight("HAT002", ["JFK", "ORD"], ["20:00:00", "01:00:00+1"], {
      "2024-05-20": day(9, 50),
    }),
    HAT003: flight("HAT003", ["ORD", "SEA"], ["09:00:00", "11:00:00"], {
      "2024-05-20": day(9, 60),
      "2024-05-21": day(9, 70),
    }),
    HAT004: flight("HAT004", ["JFK", "ORD"], ["06:00:00", "08:00:00"], {
      "2024-05-20": day(9, 40),
    }),
  },
};

const resources = new AsyncDisposableStack();
let manifests: ManifestSet;
let keyValue: KeyValue;
let folder = "";
const pool = createSandboxPool();

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "legion-airline-"));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
  resources.defer(() => pool.close());
  const database = resources.adopt(await openDatabase(folder), (opened) => opened.close());
  keyValue = await openKeyValue(database);
  await loadAirline(database, keyValue, data);
  manifests = await loadManifests([path.join(repository, "fixtures/airline")], {
    cwd: repository,
    env: {},
  });
  assert.deepEqual(manifests.diagnostics, []);
});

after(() => resources.disposeAsync());

let worlds = 0;

/** The tools in a world of their own, or in that one. */
async function desk(world = `world-${++worlds}`) {
  const agent = manifests.get("Agent", "support");
  assert.ok(agent);
  const tools = agent.spec.tools.map((use) =>
    use === "reservations" ? { name: "reservations", config: { world } } : use,
  );
  const toolbox: Toolbox = await createToolbox(
    { ...agent, spec: { ...agent.spec, tools } },
    {
      ...{ objects: manifests, pool: async () => pool, keyValue: async () => keyValue },
      ...{ clock: systemClock, cwd: folder },
    },
  );
  let calls = 0;
  return {
    world,
    async call(name: string, args: JsonObject, key = `${world}/${++calls}`): Promise<Json> {
      const reply = await toolbox.call(name, args, {
        ...{ agent: "support", run: "run", idempotencyKey: key },
        signal: new AbortController().signal,
      });
      assert.ok(reply.ok, JSON.stringify(reply));
      return reply.value ?? null;
    },
    [Symbol.asyncDispose]: () => toolbox.close(),
  };
}

const sums: readonly (readonly [expression: string, want: string])[] = [
  ["2 + 2", "4.0"],
  ["1/3", "0.33"],
  ["-(2 + 3) * 4", "-20.0"],
  ["2 * -3", "-6.0"],
  ["10 - 4 - 3", "3.0"],
  ["2 ** 3 ** 2", "512.0"],
  ["-2 ** 2", "-4.0"],
  ["7 // 2", "3.0"],
  ["0.125", "0.12"],
  ["0.375", "0.38"],
  ["-0.125", "-0.12"],
  ["2.675", "2.67"],
  ["1.005 * 1000", "1005.0"],
  [".5 + 5.", "5.5"],
  ["10 ** 16", "1e+16"],
  ["2 + x", "Error: invalid characters in expression"],
  ["(1 + 2", "Error: invalid syntax"],
  ["1 2", "Error: invalid syntax"],
  ["", "Error: invalid syntax"],
  ["1 / 0", "Error: division by zero"],
];

test("calculate: numbers to two decimals, written as floats", async () => {
  await using tools = await desk();
  for (const [expression, want] of sums)
    assert.equal(await tools.call("desk.calculate", { expression }), want, expression);
});

test("searches: only what flies on the day, connections by time of day, a night's arrival the day after", async () => {
  await using tools = await desk();
  const direct = (date: string) =>
    tools.call("flights.search_direct_flight", { origin: "JFK", destination: "SEA", date });
  const { dates: _dates, ...plain } = data.flights.HAT001 ?? {};
  assert.deepEqual(await direct("2024-05-20"), [{ ...plain, ...day(2, 100) }]);
  assert.deepEqual(await direct("2024-05-21"), []);
  assert.deepEqual(await direct("2024-05-22"), []);
  const route = { origin: "JFK", destination: "SEA", date: "2024-05-20" };
  const pairs = (await tools.call("flights.search_onestop_flight", route)) as JsonObject[][];
  const shown = pairs.map((pair) =>
    pair.map(({ flight_number, date, prices }) => [
      flight_number,
      date,
      (prices as JsonObject).economy,
    ]),
  );
  assert.deepEqual(shown, [
    // The second flight shows the entry of the first day, as the rules have it.
    [
      ["HAT002", "2024-05-20", 50],
      ["HAT003", "2024-05-21", 60],
    ],
    [
      ["HAT004", "2024-05-20", 40],
      ["HAT003", "2024-05-20", 60],
    ],
  ]);
});

const ada = { first_name: "Ada", last_name: "Low", dob: "1990-01-01" };
const booking = {
  ...{ user_id: "ada", origin: "JFK", destination: "SEA", flight_type: "one_way" },
  ...{ cabin: "economy", total_baggages: 1, nonfree_baggages: 1, insurance: "yes" },
  flights: [{ flight_number: "HAT001", date: "2024-05-20" }],
  passengers: [ada],
  payment_methods: [
    { payment_id: "voucher", amount: 100 },
    { payment_id: "gift", amount: 80 },
  ],
};

const refusals: readonly { readonly change: JsonObject; readonly want: string }[] = [
  { change: { user_id: "bob" }, want: "user not found" },
  {
    change: { flights: [{ flight_number: "HAT9", date: "2024-05-20" }] },
    want: "flight HAT9 not found",
  },
  {
    change: { flights: [{ flight_number: "HAT001", date: "2024-05-25" }] },
    want: "flight HAT001 not found on date 2024-05-25",
  },
  {
    change: { flights: [{ flight_number: "HAT001", date: "2024-05-21" }] },
    want: "flight HAT001 not available on date 2024-05-21",
  },
  { change: { passengers: [ada, ada, ada] }, want: "not enough seats on flight HAT001" },
  {
    change: { payment_methods: [{ payment_id: "constructor", amount: 180 }] },
    want: "payment method constructor not found",
  },
  {
    change: { payment_methods: [{ payment_id: "gift", amount: 301 }] },
    want: "not enough balance in payment method gift",
  },
  {
    change: { payment_methods: [{ payment_id: "card", amount: 179 }] },
    want: "payment amount does not add up, total price is 180, but paid 179",
  },
];

test("a booking that the rules refuse says why and changes nothing", async () => {
  await using tools = await desk();
  for (const { change, want } of refusals) {
    const said = await tools.call("reservations.book_reservation", { ...booking, ...change });
    assert.equal(said, `Error: ${want}`);
  }
  const user = await tools.call("reservations.get_user_details", { user_id: "ada" });
  assert.deepEqual(user, data.users.ada);
});

test("a booking takes what pays it and is there in its world only; the fourth has no id left", async () => {
  await using tools = await desk();
  const booked = await tools.call("reservations.book_reservation", booking);
  assert.deepEqual(booked, {
    reservation_id: "HATHAT",
    ...{ user_id: "ada", origin: "JFK", destination: "SEA", flight_type: "one_way" },
    cabin: "economy",
    flights: [
      {
        flight_number: "HAT001",
        date: "2024-05-20",
        price: 100,
        origin: "JFK",
        destination: "SEA",
      },
    ],
    passengers: [ada],
    payment_history: booking.payment_methods,
    created_at: "2024-05-15T15:00:00",
    ...{ total_baggages: 1, nonfree_baggages: 1, insurance: "yes" },
  });
  const user = (await tools.call("reservations.get_user_details", { user_id: "ada" })) as {
    payment_methods: Record<string, JsonObject>;
    reservations: string[];
  };
  assert.deepEqual(Object.keys(user.payment_methods), ["card", "gift"]);
  assert.equal(user.payment_methods.gift?.amount, 220);
  assert.deepEqual(user.reservations, ["OLD001", "HATHAT"]);
  const byCard = { ...booking, payment_methods: [{ payment_id: "card", amount: 180 }] };
  const ids: unknown[] = [];
  for (let index = 0; index < 3; index += 1)
    ids.push(await tools.call("reservations.book_reservation", byCard));
  assert.deepEqual(
    ids.map((one) => (typeof one === "string" ? one : (one as JsonObject).reservation_id)),
    ["HATHAU", "HATHAV", "Error: too many reservations"],
  );
  await using other = await desk();
  const unknown = await other.call("reservations.get_reservation_details", {
    reservation_id: "HATHAT",
  });
  assert.equal(unknown, "Error: user not found");
});

test("a call that is made again with its key is done once and says the same", async () => {
  await using tools = await desk();
  const twice = async (name: string, args: JsonObject) => {
    const first = await tools.call(name, args, `${tools.world}/${name}`);
    assert.deepEqual(await tools.call(name, args, `${tools.world}/${name}`), first);
    return first;
  };
  await twice("reservations.book_reservation", booking);
  await twice("reservations.send_certificate", { user_id: "ada", amount: 50 });
  await twice("reservations.cancel_reservation", { reservation_id: "OLD001" });
  const user = (await tools.call("reservations.get_user_details", { user_id: "ada" })) as {
    payment_methods: JsonObject;
    reservations: string[];
  };
  assert.deepEqual(user.reservations, ["OLD001", "HATHAT"]);
  assert.deepEqual(Object.keys(user.payment_methods), ["card", "gift", "certificate_3221322"]);
  const cancelled = await tools.call("reservations.get_reservation_details", {
    reservation_id: "OLD001",
  });
  assert.deepEqual((cancelled as JsonObject).payment_history, [
    { payment_id: "card", amount: 80 },
    { payment_id: "card", amount: -80 },
  ]);
});

test("a change that stopped between its receipt and its end is ended by the same call", async () => {
  await using tools = await desk();
  const receipt = {
    result: "as decided before",
    writes: { "user/ada": { name: "half" }, "reservation/OLD001": { name: "done" } },
  };
  const space = keyValue.space("shared/default/airline");
  await space.set(`world/${tools.world}/receipt/stopped`, receipt);
  const args = { reservation_id: "OLD001" };
  const again = await tools.call("reservations.cancel_reservation", args, "stopped");
  assert.equal(again, "as decided before");
  const user = await tools.call("reservations.get_user_details", { user_id: "ada" });
  assert.deepEqual(user, { name: "half" });
  assert.deepEqual(await tools.call("reservations.get_reservation_details", args), {
    name: "done",
  });
});

test("changes of a reservation: unchanged flights keep their price, the difference is paid by what may pay it", async () => {
  await using tools = await desk();
  const change = (more: JsonObject) =>
    tools.call("reservations.update_reservation_flights", {
      ...{ reservation_id: "OLD001", cabin: "economy", payment_id: "gift" },
      flights: [{ flight_number: "HAT001", date: "2024-05-20" }],
      ...more,
    });
  const kept = (await change({})) as { flights: JsonObject[]; payment_history: JsonObject[] };
  assert.equal(kept.flights[0]?.price, 80);
  assert.equal(kept.payment_history.length, 1);
  assert.equal(await change({ reservation_id: "NONE00" }), "Error: reservation not found");
  assert.equal(await change({ payment_id: "none" }), "Error: payment method not found");
  assert.equal(
    await change({ payment_id: "voucher" }),
    "Error: certificate cannot be used to update reservation",
  );
  const twoFlights = [
    { flight_number: "HAT004", date: "2024-05-20" },
    { flight_number: "HAT003", date: "2024-05-20" },
  ];
  const moved = (await change({ flights: twoFlights })) as typeof kept & { cabin: string };
  assert.deepEqual(
    moved.flights.map(({ price }) => price),
    [40, 60],
  );
  assert.deepEqual(moved.payment_history.at(-1), { payment_id: "gift", amount: 20 });
  const bags = (nonfree_baggages: number) =>
    tools.call("reservations.update_reservation_baggages", {
      ...{ reservation_id: "OLD001", total_baggages: 9, nonfree_baggages, payment_id: "gift" },
    });
  assert.equal(await bags(6), "Error: gift card balance is not enough");
  assert.equal(((await bags(5)) as JsonObject).nonfree_baggages, 5);
  const people = (passengers: Json) =>
    tools.call("reservations.update_reservation_passengers", {
      ...{ reservation_id: "OLD001", passengers },
    });
  assert.equal(await people([ada, ada]), "Error: number of passengers does not match");
  const bob = { ...ada, first_name: "Bob" };
  assert.deepEqual(((await people([bob])) as JsonObject).passengers, [bob]);
});

test("the demonstration runs without data", async () => {
  await using runtime = createRuntime({
    ...{ manifests, env: {}, cwd: folder, stateFolder: path.join(folder, "demo") },
    onEvent: () => {},
  });
  const { signal } = new AbortController();
  const result = await runtime.runAgent("support", { task: "Where do you fly?", signal });
  assert.equal(result.status, "ok", JSON.stringify(result));
  assert.match(String(result.status === "ok" && result.value), /\$300\.0/);
  assert.equal(result.toolCalls, 2);
});
