// Goal: a chat prints the answers as they come, answers questions with the next line, and never draws its prompt over them.
// Method: lines of a pipe against a daemon in a process of its own; then a terminal of streams, whose keys the test presses.
import assert from "node:assert/strict";
import { PassThrough, Writable } from "node:stream";
import { after, before, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { startVerbsDaemon, type VerbsDaemon } from "../testing/verbs-daemon.ts";
import { runCommandLine } from "./command-line.ts";

let verbs: VerbsDaemon;
before(async () => {
  verbs = await startVerbsDaemon();
});
after(() => verbs[Symbol.asyncDispose]());

const piped: readonly {
  readonly name: string;
  readonly lines: string;
  readonly stdout: string;
  readonly stderr?: RegExp;
}[] = [
  { name: "each line is a message", lines: "one\ntwo\n", stdout: "you said one\nyou said two\n" },
  { name: "empty lines are none", lines: "\n  \none\n\n", stdout: "you said one\n" },
  { name: "the last line needs no end", lines: "one", stdout: "you said one\n" },
  {
    name: "a line that ends with \\ goes on",
    lines: "one\\\ntwo\n",
    stdout: "you said one\ntwo\n",
  },
  { name: "what was begun is sent at the end", lines: "one\\\n", stdout: "you said one\n" },
  {
    name: "the next line answers a question",
    lines: "colour\nblue\nafter\n",
    stdout: "got blue\nyou said after\n",
    stderr: /^\? Which colour\? \[red \| blue\]\n {2}legion respond [0-9A-Z]{8} 'red'\n$/,
  },
  {
    name: "an answer that the question does not allow is told, and the one after it is taken",
    lines: "colour\ngreen\nred\n",
    stdout: "got red\n",
    stderr: /LEG2064/,
  },
  {
    name: "the next line decides an approval, after the arguments were shown",
    lines: "shop\ny\n",
    stdout: "got undefined\n",
    stderr: /kv\.set \{"key":"a","value":"plan"\}[\s\S]*legion approve/,
  },
  {
    name: "/help is no message",
    lines: "/help\none\n",
    stdout: "you said one\n",
    stderr: /\/new NAME/,
  },
  {
    name: "an unknown command is told",
    lines: "/nothing\n",
    stdout: "",
    stderr: /no command \/nothing/,
  },
];
for (const { name, lines, stdout, stderr = /^$/ } of piped) {
  test(`without a terminal ${name}`, async () => {
    const printed = await verbs.run(["chat", "ada"], { stdin: lines });
    assert.equal(printed.stdout, stdout);
    assert.match(printed.stderr, stderr);
    assert.equal(printed.exitCode, 0);
  });
}

test("without a terminal a refusal reaches the agent with its reason", async () => {
  const { stdout } = await verbs.run(["chat", "ada"], { stdin: "shop\ntoo dear\n" });
  assert.match(stdout, /too dear/);
});

test("/new goes on in another conversation", async () => {
  await verbs.run(["chat", "ada"], { stdin: "/new other\nthere\n" });
  const { stdout } = await verbs.run(["conversations", "show", "ada", "other"]);
  assert.match(stdout, /you said there/);
});

/** A chat on a terminal, 60 columns wide, with keys to press. */
function terminal() {
  const keyboard = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} });
  let shown = "";
  let onMore = () => {};
  const screen = Object.assign(
    new Writable({
      write(chunk, _encoding, done) {
        shown += String(chunk);
        onMore();
        done();
      },
    }),
    { isTTY: true, columns: 60 },
  );
  const ended = runCommandLine(["chat", "bob"], {
    ...{ cwd: verbs.daemon.folder, env: {}, stdin: keyboard, stdout: screen, stderr: screen },
    ...{ signal: new AbortController().signal, colorDepth: 1 },
  });
  const text = () => stripVTControlCharacters(shown);
  return {
    ended,
    text,
    screen,
    press: (keys: string) => keyboard.write(keys),
    end: () => keyboard.end("\x04"),
    /** Resolves when what is shown since the last call matches. */
    async shows(pattern: RegExp): Promise<string> {
      while (!pattern.test(text())) {
        const { promise, resolve } = Promise.withResolvers<void>();
        onMore = resolve;
        await promise;
      }
      const found = text();
      shown = "";
      return found;
    },
  };
}

test("at a terminal a message is answered, ^C at the prompt clears or explains, ^D leaves with 0", async () => {
  const chat = terminal();
  await chat.shows(/agent\/bob, conversation main[\s\S]*> $/);
  chat.press("hello\r");
  await chat.shows(/you said hello\n[\s\S]*> $/);
  chat.press("half");
  await chat.shows(/half/);
  chat.press("\x03");
  await chat.shows(/> $/);
  chat.press("\x03");
  await chat.shows(/\^D leaves\n[\s\S]*> $/);
  chat.press("\x1b[A");
  await chat.shows(/hello/);
  chat.press("\r");
  await chat.shows(/you said hello\n[\s\S]*> $/);
  chat.end();
  assert.equal(await chat.ended, 0);
});

test("at a terminal a paste of several lines is one message", async () => {
  const chat = terminal();
  await chat.shows(/> $/);
  chat.press("\x1b[200~one\rtwo\x1b[201~\r");
  await chat.shows(/you said one\ntwo\n[\s\S]*> $/);
  chat.end();
  await chat.ended;
});

test("at a terminal nothing is drawn over a turn; what was typed meanwhile comes next", async () => {
  const hung = verbs.hung();
  const chat = terminal();
  await chat.shows(/> $/);
  chat.press("hang\r");
  await hung;
  await chat.shows(/thinking/);
  chat.press("typed ahead\r");
  chat.screen.emit("resize");
  chat.press("\x03");
  const shown = await chat.shows(/interrupted; [\s\S]*you said typed ahead\n[\s\S]*> $/);
  assert.match(shown, /interrupting the turn[\s\S]*> typed ahead\n/);
  assert.doesNotMatch(shown.slice(0, shown.indexOf("interrupted;")), /> |typed/);
  chat.end();
  assert.equal(await chat.ended, 0);
});
