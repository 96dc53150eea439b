// Goal: the files tool reads nothing outside either when the disk is changed while it works (S53).
// Method: the swap is made between two calls of the opening, at each of them; and by another process in a race.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import * as fileSystem from "node:fs/promises";
import { mkdir, rename, rm, symlink, unlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { type TestToolbox, type Workplace, workplace } from "../../../testing/toolbox.ts";
import { openGranted } from "./confine.ts";
import { glob } from "./glob.ts";
import { grant } from "./granted.ts";
import { list } from "./list.ts";

const SECRET = "the secret outside";
let place: Workplace;
let files: TestToolbox;
/** The granted folder, beside `outside` in the same temporary folder. */
let root = "";

before(async () => {
  place = await workplace();
  root = path.join(place.folder, "granted");
  const outside = path.join(place.folder, "outside");
  await mkdir(path.join(root, "src"), { recursive: true });
  await mkdir(outside);
  await writeFile(path.join(outside, "secret.txt"), SECRET);
  await writeFile(path.join(root, "README.md"), "# Read me\n");
  const config = { roots: ["granted"] };
  files = await place.create({ tools: { files: { type: "builtin", builtin: "files", config } } });
});
after(() => place[Symbol.asyncDispose]());

describe("a disk that changes meanwhile", () => {
  const moments: { name: string; hook(swap: () => Promise<void>): object }[] = [
    {
      name: "after the links were followed",
      hook: (swap) => ({ realpath: (file: string) => fileSystem.realpath(file).finally(swap) }),
    },
    {
      name: "after the type was looked at",
      hook: (swap) => ({ lstat: (file: string) => fileSystem.lstat(file).finally(swap) }),
    },
    {
      name: "just before it is opened",
      hook: (swap) => ({
        open: (...args: Parameters<typeof fileSystem.open>) =>
          swap().then(() => fileSystem.open(...args)),
      }),
    },
  ];
  for (const { name, hook } of moments) {
    test(`a folder that becomes a link ${name} is caught`, async () => {
      const victim = path.join(root, "swapped");
      await mkdir(victim);
      await writeFile(path.join(victim, "secret.txt"), "inside");
      const swap = async () => {
        await rm(victim, { recursive: true });
        await symlink("../outside", victim);
      };
      const granted = await grant(["granted"], { cwd: place.folder });
      const swapping = { ...granted, fileSystem: { ...fileSystem, ...hook(swap) } };
      const opening = openGranted(swapping, "granted/swapped/secret.txt", "file");
      await assert.rejects(opening, { code: "LEG4020" });
      await rm(victim);
    });
  }

  /** The file system with a swap made once: before or after this call takes the folder `swapped`. */
  const swapped = (
    call: "lstat" | "open" | "readlink",
    when: "before" | "after",
    swap: () => Promise<void>,
  ) => {
    let done = false;
    const { lstat, open, readlink } = fileSystem;
    const original = { lstat, open, readlink }[call] as (...args: unknown[]) => Promise<unknown>;
    const hooked = async (file: string, ...rest: unknown[]) => {
      const due =
        !done &&
        (call === "readlink" ? await fileSystem.readlink(file) : file).endsWith("/swapped");
      if (!due) return original(file, ...rest);
      done = true;
      if (when === "before") await swap();
      const result = await original(file, ...rest);
      if (when === "after") await swap();
      return result;
    };
    return { ...fileSystem, [call]: hooked };
  };
  const walks = [
    { call: "lstat", when: "before" },
    { call: "lstat", when: "after" },
    { call: "open", when: "before" },
    { call: "open", when: "after" },
    { call: "readlink", when: "after" },
  ] as const;
  for (const { call, when } of walks) {
    for (const operation of ["list", "glob"] as const) {
      test(`a folder that becomes a link ${when} ${call} tells ${operation} nothing of what is outside`, async () => {
        const victim = path.join(root, "swapped");
        await mkdir(victim);
        await writeFile(path.join(victim, "inside.txt"), "inside");
        let swaps = 0;
        const swap = async () => {
          swaps += 1;
          await rename(victim, `${victim}.away`);
          await symlink("../outside", victim);
        };
        const granted = await grant(["granted"], { cwd: place.folder });
        const changing = { ...granted, fileSystem: swapped(call, when, swap) };
        const { signal } = new AbortController();
        const told = await (operation === "list"
          ? list(changing, { path: "granted/swapped" }, signal)
          : glob(changing, { pattern: "granted/swapped/*" }, signal)
        ).catch((error: { code: string }) => error.code);
        assert.equal(swaps, 1);
        assert.doesNotMatch(JSON.stringify(told), /secret/);
        if (call === "readlink") assert.match(JSON.stringify(told), /inside\.txt/);
        await unlink(victim);
        await rm(`${victim}.away`, { recursive: true });
      });
    }
  }

  test("a file that is moved out after it was opened is not read", async () => {
    const moved = path.join(root, "moved.txt");
    await writeFile(moved, "x");
    const moving = {
      ...fileSystem,
      open: async (...args: Parameters<typeof fileSystem.open>) => {
        const handle = await fileSystem.open(...args);
        await rename(moved, path.join(place.folder, "outside", "moved.txt"));
        return handle;
      },
    };
    const granted = await grant(["granted"], { cwd: place.folder }, fileSystem);
    await assert.rejects(
      openGranted({ ...granted, fileSystem: moving }, "granted/moved.txt", "file"),
      { code: "LEG4020" },
    );
  });

  test("a file that is replaced while it is open is read as it was", async () => {
    const target = path.join(root, "replaced.txt");
    await writeFile(target, "old");
    await writeFile(`${target}.new`, "new");
    const replacing = {
      ...fileSystem,
      open: async (...args: Parameters<typeof fileSystem.open>) => {
        const handle = await fileSystem.open(...args);
        await rename(`${target}.new`, target);
        return handle;
      },
    };
    const granted = await grant(["granted"], { cwd: place.folder }, fileSystem);
    const opened = await openGranted(
      { ...granted, fileSystem: replacing },
      "granted/replaced.txt",
      "file",
    );
    assert.equal(await opened.handle.readFile("utf8"), "old");
    await opened.handle.close();
    await unlink(target);
  });

  test("a folder that another process swaps for a link again and again never gives the secret", async () => {
    const victim = path.join(root, "race");
    await mkdir(victim);
    await writeFile(path.join(victim, "secret.txt"), "inside");
    const swap = `
      const { renameSync, symlinkSync } = require("node:fs");
      const [victim, outside] = process.argv.slice(1);
      symlinkSync(outside, victim + ".link");
      process.send("ready");
      for (const end = Date.now() + 1500; Date.now() < end; ) {
        renameSync(victim, victim + ".real"); renameSync(victim + ".link", victim);
        renameSync(victim, victim + ".link"); renameSync(victim + ".real", victim);
      }`;
    const child = spawn(
      process.execPath,
      ["-e", swap, victim, path.join(place.folder, "outside")],
      { stdio: ["ignore", "ignore", "inherit", "ipc"] },
    );
    const exited = once(child, "exit");
    await once(child, "message");
    const seen = new Map<string, number>();
    while (child.exitCode === null) {
      const reply = await files.call("files.read", { path: "granted/race/secret.txt" });
      const outcome = reply.ok ? String(reply.value) : reply.error.code;
      seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
    }
    await exited;
    assert.equal(seen.get(SECRET), undefined);
    assert.ok((seen.get("inside") ?? 0) > 0, `the race was run: ${JSON.stringify([...seen])}`);
    assert.ok(seen.size > 1, `the swaps were seen: ${JSON.stringify([...seen])}`);
  });

  test("a file that becomes a pipe before it is opened does not hang", async () => {
    const target = path.join(root, "to-pipe");
    await writeFile(target, "x");
    const swapping = {
      ...fileSystem,
      open: async (...args: Parameters<typeof fileSystem.open>) => {
        await unlink(target);
        execFileSync("mkfifo", [target]);
        return fileSystem.open(...args);
      },
    };
    const granted = await grant(["granted"], { cwd: place.folder }, fileSystem);
    await assert.rejects(
      openGranted({ ...granted, fileSystem: swapping }, "granted/to-pipe", "file"),
      { code: "LEG4023" },
    );
  });
});
