const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const FRAME_MS = 100;
const PLAIN_EVERY_MS = 10_000;

/**
 * Shows progress: a spinner with seconds on a terminal, plain lines elsewhere.
 * @param {string} title
 * @param {() => Promise<T>} work
 * @param {() => string} [detail] the progress so far
 * @template T
 */
export async function step(title, work, detail) {
  const out = process.stderr;
  const startedMs = Date.now();
  const seconds = () => Math.round((Date.now() - startedMs) / 1_000);
  const text = () => `${title}${detail === undefined ? "" : ` · ${detail()}`} · ${seconds()} s`;
  let frame = 0;
  const draw = () => {
    frame = (frame + 1) % FRAMES.length;
    // A terminal of unknown width has 0 columns.
    out.write(`\r\u001B[2K${FRAMES[frame]} ${text().slice(0, (out.columns || 80) - 3)}`);
  };
  if (!out.isTTY) out.write(`${title} …\n`);
  const timer = setInterval(
    out.isTTY ? draw : () => out.write(`  ${text()}\n`),
    out.isTTY ? FRAME_MS : PLAIN_EVERY_MS,
  );
  const clear = out.isTTY ? "\r\u001B[2K" : "";
  try {
    const result = await work();
    out.write(`${clear}✓ ${title} · ${seconds()} s\n`);
    return result;
  } catch (error) {
    out.write(`${clear}✗ ${title} · ${seconds()} s\n`);
    throw error;
  } finally {
    clearInterval(timer);
  }
}
