/** The list itself: sections with their counts, and only the rows in sight drawn, so that thousands do no harm. */
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useLayoutEffect, useMemo, useRef, useState } from 'react';
import { useLocale } from '../i18n/locale.tsx';
import type { Group, Row, RowVerb } from './rows.ts';
import { UploadItem } from './upload-item.tsx';
import { useNow } from './use-now.ts';

export interface UploadProgressListProps {
  readonly rows: readonly Row[];
  /** Whether there would be rows without the filter. */
  readonly isFiltered: boolean;
  readonly onVerb: (verb: RowVerb, row: Row) => void;
}

type Line =
  | { readonly kind: 'heading'; readonly key: Group; readonly count: number }
  | { readonly kind: 'row'; readonly key: string; readonly row: Row; readonly position: number };

const HEADING_PX = 38;
const ROW_PX = 68;

export function UploadProgressList({ rows, isFiltered, onVerb }: UploadProgressListProps) {
  const { words, format } = useLocale();
  const nowMs = useNow(1000);
  const lines = useMemo(() => linesOf(rows), [rows]);
  const list = useRef<HTMLUListElement>(null);
  const top = useTop(list);
  const virtual = useWindowVirtualizer({
    count: lines.length,
    estimateSize: (index) => (lines[index]?.kind === 'heading' ? HEADING_PX : ROW_PX),
    getItemKey: (index) => lines[index]?.key ?? index,
    overscan: 6,
    scrollMargin: top,
  });

  if (rows.length === 0) {
    return (
      <div className="empty">
        <EmptyPicture />
        <strong>{isFiltered ? words.list.noMatch : words.list.empty}</strong>
        <p>{isFiltered ? words.list.noMatchText : words.list.emptyText}</p>
      </div>
    );
  }
  const { columns } = words.list;
  return (
    <>
      <div className="columns-head" aria-hidden>
        <span>{columns.file}</span>
        <span>{columns.progress}</span>
        <span>{columns.rate}</span>
        <span>{columns.status}</span>
      </div>
      <ul ref={list} className="rows" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => {
          const line = lines[item.index];
          if (!line) return null;
          const style = { transform: `translateY(${item.start - top}px)` };
          return (
            <li
              key={item.key}
              ref={virtual.measureElement}
              data-index={item.index}
              className={line.kind === 'heading' ? 'line line-heading' : 'line'}
              style={style}
              {...(line.kind === 'row' ? { 'aria-setsize': rows.length, 'aria-posinset': line.position } : {})}
            >
              {line.kind === 'heading' ? (
                <h2>
                  {words.list[line.key]} <span>{format.integer(line.count)}</span>
                </h2>
              ) : (
                <UploadItem row={line.row} nowMs={nowMs} onVerb={onVerb} />
              )}
            </li>
          );
        })}
      </ul>
    </>
  );
}

function linesOf(rows: readonly Row[]): readonly Line[] {
  const lines: Line[] = [];
  const groups = Map.groupBy(rows, ({ group }) => group);
  let position = 0;
  for (const [group, members] of groups) {
    lines.push({ kind: 'heading', key: group, count: members.length });
    for (const row of members) {
      position += 1;
      lines.push({ kind: 'row', key: row.key, row, position });
    }
  }
  return lines;
}

/** Pixels from the top of the page to the list: what is above it comes and goes. */
function useTop(list: { readonly current: HTMLElement | null }): number {
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const measure = () => {
      const rect = list.current?.getBoundingClientRect();
      if (rect) setTop(Math.round(rect.top + window.scrollY));
    };
    const observer = new ResizeObserver(measure);
    observer.observe(document.body);
    measure();
    return () => observer.disconnect();
  });
  return top;
}

function EmptyPicture() {
  return (
    <svg className="empty-picture" viewBox="0 0 120 64" width="120" height="64" aria-hidden="true">
      <path d="M4 58h112M18 58V30h22v28M46 58V20h28v38M80 58V36h22v22" />
      <path d="M18 38h22M46 30h28M80 44h22" className="thin" />
    </svg>
  );
}
