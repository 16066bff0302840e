"use client";

import { type RefObject } from "react";

import { actions, keyCaps, KEYS } from "./keys.ts";

const GROUPS = ["Everywhere", "Time range", "Board", "Lists", "Deploy"];

/** The keyboard shortcut help, a native dialog: Escape closes it and restores the focus. */
export function ShortcutHelp({ dialog }: { dialog: RefObject<HTMLDialogElement | null> }) {
  return (
    <dialog ref={dialog} className="sheet" aria-label="Keys">
      <header className="sheet-head">
        <h2>Keys</h2>
        <button type="button" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </header>
      <div className="sheet-groups">
        {GROUPS.map((group) => (
          <section key={group}>
            <h3>{group}</h3>
            <dl>
              {actions()
                .filter((action) => KEYS[action].where === group)
                .map((action) => (
                  <div key={action}>
                    <dt>
                      {keyCaps(KEYS[action].keys).map((cap) => (
                        <kbd key={cap}>{cap}</kbd>
                      ))}
                    </dt>
                    <dd>{KEYS[action].does}</dd>
                  </div>
                ))}
            </dl>
          </section>
        ))}
      </div>
    </dialog>
  );
}
