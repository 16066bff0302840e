import { readFileSync } from "node:fs";

import { describe, expect, test } from "vitest";

type Rgb = [red: number, green: number, blue: number];

/**
 * Simulation of full colour blindness on linear RGB, by missing cone: Machado, Oliveira and Fernandes, "A
 * Physiologically-based Model for Simulation of Color Vision Deficiency", IEEE TVCG 15(6), 2009.
 */
const SIGHT: Record<string, Rgb[]> = {
  "all cones": [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
};

/** Colours that must be distinguished in one chart. */
const TOGETHER = [
  ["p50", "p95", "p99"],
  ["users", "p95"],
  ["accent", "predicted"],
];
/** In OKLab, where about 0.02 is just noticeable side by side (Ottosson 2020). */
const DISTANCE_MIN = 0.08;

const TOKENS = readFileSync(new URL("../app/styles/tokens.css", import.meta.url), "utf8");

function token(name: string, theme: "light" | "dark"): Rgb {
  const pair = new RegExp(`--${name}: light-dark\\(#(\\w{6}), #(\\w{6})\\)`).exec(TOKENS);
  const hex = pair?.[theme === "light" ? 1 : 2] ?? "";
  expect(hex, `the token --${name} is a pair of colours`).toHaveLength(6);
  return [linear(hex.slice(0, 2)), linear(hex.slice(2, 4)), linear(hex.slice(4, 6))];
}

function linear(hex: string): number {
  const value = Number.parseInt(hex, 16) / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

const dot = (a: Rgb, b: Rgb): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const clamp = (value: number): number => Math.min(1, Math.max(0, value));

function seen(color: Rgb, [red, green, blue]: readonly Rgb[]): Rgb {
  const by = (row: Rgb | undefined): number => (row ? clamp(dot(row, color)) : 0);
  return [by(red), by(green), by(blue)];
}

/** Björn Ottosson, "A perceptual color space for image processing", 2020. */
function oklab(color: Rgb): Rgb {
  const cones: Rgb = [
    Math.cbrt(dot([0.4122214708, 0.5363325363, 0.0514459929], color)),
    Math.cbrt(dot([0.2119034982, 0.6806995451, 0.1073969566], color)),
    Math.cbrt(dot([0.0883024619, 0.2817188376, 0.6299787005], color)),
  ];
  return [
    dot([0.2104542553, 0.793617785, -0.0040720468], cones),
    dot([1.9779984951, -2.428592205, 0.4505937099], cones),
    dot([0.0259040371, 0.7827717662, -0.808675766], cones),
  ];
}

function distance(a: Rgb, b: Rgb): number {
  const [x, y] = [oklab(a), oklab(b)];
  return Math.hypot(x[0] - y[0], x[1] - y[1], x[2] - y[2]);
}

describe.each(["light", "dark"] as const)("in the %s theme", (theme) => {
  test.each(Object.entries(SIGHT))(
    "the colours of a chart are distinguishable with %s",
    (_, sight) => {
      for (const names of TOGETHER) {
        for (const [at, name] of names.entries()) {
          for (const other of names.slice(at + 1)) {
            const colors = [name, other].map((one) => seen(token(one, theme), sight));
            const [a = [0, 0, 0], b = [0, 0, 0]] = colors;
            expect(distance(a, b), `${name} and ${other}`).toBeGreaterThan(DISTANCE_MIN);
          }
        }
      }
    },
  );
});
