type HatchProps = {
  id: string;
  /** Distance of the lines, px. */
  gap: number;
  angle: 45 | -45;
  color: string;
  width: number;
};

/** A pattern of parallel lines for areas of a chart. Patterns differ by their angle, not only by their colour. */
export function HatchPattern({ id, gap, angle, color, width }: HatchProps) {
  return (
    <defs>
      <pattern
        id={id}
        width={gap}
        height={gap}
        patternUnits="userSpaceOnUse"
        patternTransform={`rotate(${angle})`}
      >
        <line x1="0" y1="0" x2="0" y2={gap} stroke={color} strokeWidth={width} />
      </pattern>
    </defs>
  );
}
