export const TOUR = [{ link: "#family" }];
export function tourCard() {
  return null;
}
