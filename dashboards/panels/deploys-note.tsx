"use client";

import { useState } from "react";

import { Link } from "../client/link.tsx";
import { Untrusted } from "../untrusted.tsx";
import { formatDateTime, type Zone } from "../zone.ts";
import { type DeployMark, type DeployMarks, MARK_WORDS } from "./deploy-marks.ts";

type DeploysNoteProps = DeployMarks & { zone: Zone };

const OPEN_MAX = 3;
const CHARACTERS_MAX = 60;

/** What the letters on the charts stand for, for the eye, by keyboard and by screen reader. */
export function DeploysNote(props: DeploysNoteProps) {
  return props.marks.length === 0 ? null : <MarkList {...props} />;
}

function MarkList({ marks, isCut, zone }: DeploysNoteProps) {
  // Later it is open or closed as the reader has left it, however many marks come.
  const [isOpen] = useState(marks.length <= OPEN_MAX);
  // Most have two marks: where they begin and where they end.
  const count = new Set(marks.map(({ deploy }) => deploy)).size;
  return (
    <details className="deploys-note" data-testid="deploys" open={isOpen}>
      <summary>
        Deploys in this range: {isCut ? `the newest ${count} are` : `${count},`} marked by letters
        on the charts
      </summary>
      <ul>
        {marks.map((mark) => (
          <MarkItem key={mark.letter} mark={mark} zone={zone} />
        ))}
      </ul>
    </details>
  );
}

function MarkItem({ mark, zone }: { mark: DeployMark; zone: Zone }) {
  const { letter, atMs, deploy, workload, release, from, kind } = mark;
  const { shape, word } = MARK_WORDS[kind];
  const change = from === null ? release : `${from} → ${release}`;
  return (
    <li>
      <b>{letter}</b> <span className="quiet">{formatDateTime(atMs, zone)}</span>{" "}
      <Link href={`/deploys/${deploy}`} prefetch={false}>
        <Untrusted text={`${workload} ${change}`} charactersMax={CHARACTERS_MAX} />
      </Link>{" "}
      <span aria-hidden="true">{shape}</span> {word}
    </li>
  );
}
