/** Two rates over the last minute, sampled each second from when it is first drawn. */
import { useEffect, useRef, useState } from 'react';

const SAMPLES = 60;

export interface SparklineProps {
  readonly stageRate: number;
  readonly moveRate: number;
  readonly label: string;
}

export function Sparkline({ stageRate, moveRate, label }: SparklineProps) {
  const samples = useSamples({ stage: stageRate, move: moveRate });
  const top = Math.max(1, ...samples.map(({ stage, move }) => Math.max(stage, move)));
  const line = (pick: (sample: Sample) => number) =>
    samples
      .map((sample, index) => `${SAMPLES - samples.length + index},${(22 - (pick(sample) / top) * 20).toFixed(2)}`)
      .join(' ');
  return (
    <svg className="spark" viewBox={`0 0 ${SAMPLES - 1} 24`} preserveAspectRatio="none" role="img" aria-label={label}>
      <line x1="0" x2={SAMPLES - 1} y1="23" y2="23" className="spark-base" />
      <polyline points={line(({ stage }) => stage)} className="spark-line staged" />
      <polyline points={line(({ move }) => move)} className="spark-line moved" />
    </svg>
  );
}

interface Sample {
  readonly stage: number;
  readonly move: number;
}

function useSamples(now: Sample): readonly Sample[] {
  const latest = useRef(now);
  latest.current = now;
  const [samples, setSamples] = useState<readonly Sample[]>([]);
  useEffect(() => {
    const timer = setInterval(() => setSamples((before) => [...before, latest.current].slice(-SAMPLES)), 1000);
    return () => clearInterval(timer);
  }, []);
  return samples;
}
