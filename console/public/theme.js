// Runs before the first paint, so that a page never flashes in the wrong colours. `src/shared/theme.ts` owns the choice.
;(() => {
  let choice = null
  try {
    choice = localStorage.getItem('haori.theme')
  } catch {
    // Storage may be forbidden; then the system's choice holds.
  }
  if (choice === 'light' || choice === 'dark' || choice === 'contrast') document.documentElement.dataset.theme = choice
})()
