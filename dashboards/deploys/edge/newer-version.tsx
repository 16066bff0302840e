import { nameOf } from "./version-name.ts";

type NewerProps = {
  /** The version with which the draft is compared. */
  base: number;
  /** The one that all nodes have. */
  current: number;
  onCompare: () => void;
};

/** Says that the nodes got another version since, and leads to the difference from it. The draft stays. */
export function NewerVersion({ base, current, onCompare }: NewerProps) {
  if (base === current) return null;
  return (
    <div className="form-error" role="alert">
      All nodes have {nameOf(current)} by now. Your draft is based on {nameOf(base)}: compare it
      with the new one before you apply it.{" "}
      <button type="button" onClick={onCompare}>
        Compare with it
      </button>
    </div>
  );
}
