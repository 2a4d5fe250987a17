-- The states' metadata as the API publishes them.
INSERT INTO reports.covid_states (state, slug, metadata)
SELECT state, slug, json_build_object(
    'state', state, 'name', name, 'slug', slug, 'fips', fips, 'population', population,
    'notes', notes, 'covid19_site', covid19_site,
    'covid19_site_secondary', covid19_site_secondary,
    'covid19_site_tertiary', covid19_site_tertiary,
    'covid19_site_quaternary', covid19_site_quaternary,
    'covid19_site_quinary', covid19_site_quinary, 'covid19_site_old', covid19_site_old,
    'twitter', twitter, 'pui', pui, 'pum', pum,
    'preferred_total_test_units', preferred_total_test_units,
    'preferred_total_test_field', preferred_total_test_field,
    'total_test_results_field', total_test_results_field)::text
FROM covid.states
LEFT JOIN covid.population ON area = state
