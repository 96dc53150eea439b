import { defineProperty } from "./originals.ts";

// sfc32: four words of state, quick where numbers are 32-bit integers, and good far beyond what programs ask of Math.random.
let wordA = 0;
let wordB = 0;
let wordC = 0;
let counter = 1;

/** Begins a row of random numbers; the words are a hash, so the first number is as good as the next. */
export function seed(first: number, second: number, third: number, fourth: number): void {
  wordA = first | 0;
  wordB = second | 0;
  wordC = third | 0;
  counter = fourth | 0;
}

const MathObject = Math;

/** Two steps, written out for speed: one gives 32 bits, and a number has 53. */
const { random } = {
  random(): number {
    const high = (((wordA + wordB) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    wordA = wordB ^ (wordB >>> 9);
    wordB = (wordC + (wordC << 3)) | 0;
    wordC = (((wordC << 21) | (wordC >>> 11)) + high) | 0;
    const low = (((wordA + wordB) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    wordA = wordB ^ (wordB >>> 9);
    wordB = (wordC + (wordC << 3)) | 0;
    wordC = (((wordC << 21) | (wordC >>> 11)) + low) | 0;
    return ((high >>> 5) * 67_108_864 + (low >>> 6)) / 9_007_199_254_740_992;
  },
};

/** Puts the seeded Math.random in the place of the engine's. A bound function shows no source, like a built-in. */
export function installRandom(): void {
  const value = random.bind(undefined);
  defineProperty(value, "name", { value: "random", configurable: true });
  defineProperty(MathObject, "random", { value, writable: true, configurable: true });
}
