import { expect, it } from 'vitest';
import { linkTo, routeOf } from '../../web/app/route.ts';

it('what is behind the # is a section, or a transfer that is open before the list', () => {
  expect(routeOf('')).toEqual({ section: 'transfers', open: null });
  expect(routeOf('#/agents')).toEqual({ section: 'agents', open: null });
  expect(routeOf('#/nowhere')).toEqual({ section: 'transfers', open: null });
  expect(routeOf('#/t/trf_1')).toEqual({ section: 'transfers', open: 'trf_1' });
  expect(routeOf('#/t/')).toEqual({ section: 'transfers', open: null });
});

it('a link leads where it came from, and one that is badly written nowhere else', () => {
  expect(routeOf(linkTo('a/b c%')).open).toBe('a/b c%');
  expect(routeOf('#/t/%').open).toBe('%');
});
