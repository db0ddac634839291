/** Numbers that are random and the same in every run: whole, from 0 to below `limit`. */
export function randomOf(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    // Park and Miller's generator, which stays within what a number holds exactly.
    state = (state * 48_271) % 2_147_483_647;
    return state % limit;
  };
}
