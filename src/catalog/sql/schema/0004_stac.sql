-- Shapes of datasets as GeoJSON has them (RFC 7946): longitude and latitude, cut at the antimeridian.

-- A box of longitude and latitude; two where it crosses the antimeridian.
create function catalog.box_shape(west double precision, south double precision, east double precision, north double precision)
returns public.geometry language sql immutable strict parallel safe as $$
    select case when west <= east then public.st_makeenvelope(west, south, east, north, 4326)
                else public.st_collect(public.st_makeenvelope(west, south, 180, north, 4326),
                                       public.st_makeenvelope(-180, south, east, north, 4326)) end
$$;

-- The shape of a dataset; its box where the polygon cannot be transformed, or goes around a pole. The box comes from
-- footprints that follow edges through the projection, so a shape that leaves it is wrong.
create function catalog.shape_of(polygon public.geometry, west double precision, south double precision,
                                 east double precision, north double precision)
returns public.geometry language plpgsql stable parallel safe as $$
declare
    box public.geometry := catalog.box_shape(west, south, east, north);
    shape public.geometry;
begin
    if polygon is null or public.st_srid(polygon) = 0 or (west <= east and east - west > 350) then
        return box;
    end if;
    shape := public.st_transform(polygon, 4326);
    if west > east then
        shape := public.st_wrapx(public.st_shiftlongitude(shape), 180, -360);
    end if;
    shape := public.st_collectionextract(public.st_makevalid(shape), 3);
    if public.st_isempty(shape) or not public.st_covers(public.st_expand(box, 1), shape)
       and public.st_area(public.st_difference(shape, public.st_expand(box, 1))) > 0 then
        return box;
    end if;
    return shape;
exception when others then
    return box;
end $$;

grant select on catalog.srs to public;
